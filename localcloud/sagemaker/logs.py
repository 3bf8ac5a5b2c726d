"""Container output to CloudWatch Logs, written with the execution role like everything else."""

import logging
import threading
import time
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

_FLUSH_EVERY_S: Final = 0.5
# PutLogEvents takes at most 10,000 events and 1 MB; lines are cut so that 400 always fit.
_BATCH: Final = 400
_LINE_LIMIT: Final = 2400
logger = logging.getLogger(__name__)


class LogStream:
    """One log stream; lines are shipped in the background and a last time when it closes."""

    def __init__(self, client: Any, group: str, stream: str) -> None:
        self.group, self.stream = group, stream
        self._client = client
        self._lines: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._shipping = threading.Lock()
        self._closed = threading.Event()
        self._written = threading.Event()
        self._is_refused = False
        self._create()
        threading.Thread(target=self._ship_until_closed, name=f"logs-{stream}", daemon=True).start()

    def write(self, line: str) -> None:
        """Add one line, stamped now. CloudWatch refuses empty messages, so an empty line is a blank."""
        event = {"timestamp": int(time.time() * 1000), "message": line[:_LINE_LIMIT] or " "}
        with self._lock:
            self._lines.append(event)
        self._written.set()

    def flush(self) -> None:
        """Send what has been written so far."""
        # Two shippers at once would mix up the order of lines.
        with self._shipping:
            with self._lock:
                lines, self._lines = self._lines, []
            for start in range(0, len(lines), _BATCH):
                self._call("put_log_events", logEvents=lines[start : start + _BATCH])

    def close(self) -> None:
        """Send the rest and stop shipping."""
        self._closed.set()
        self._written.set()
        self.flush()

    def _ship_until_closed(self) -> None:
        # A stream that nobody writes to takes no processor time: an endpoint lives for days.
        while self._written.wait() and not self._closed.wait(_FLUSH_EVERY_S):
            self._written.clear()
            self.flush()

    def _create(self) -> None:
        """Make group and stream; both may exist already."""
        self._call("create_log_group", stream=None)
        self._call("create_log_stream")

    def _call(self, operation: str, **arguments: Any) -> None:
        """Call CloudWatch Logs. A role that may not log loses its lines, not its job, as on AWS."""
        if self._is_refused:
            return
        names = {"logGroupName": self.group, "logStreamName": arguments.pop("stream", self.stream)}
        names = {key: value for key, value in names.items() if value}
        try:
            getattr(self._client, operation)(**names, **arguments)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            # The group may exist while the role may not create groups: only the last call decides.
            if operation == "put_log_events":
                self._is_refused = True
                logger.warning("log stream %s/%s is lost: %s", self.group, self.stream, code)
        except BotoCoreError as error:
            logger.warning("log stream %s/%s: %s", self.group, self.stream, error)
