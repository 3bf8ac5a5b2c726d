"""Adapter: what training containers wrote, in CloudWatch Logs."""

from collections.abc import Mapping
from typing import Any

import msgspec

from shared.aws import aws_errors
from shared.errors import InvalidRequest, NotFound

GROUP = "/aws/sagemaker/TrainingJobs"
MAX_LINES = 200
_MAX_STREAMS = 50
# No group before the first job of the account; a position comes from the caller, and lives a day.
_ERRORS = {"ResourceNotFoundException": NotFound, "InvalidParameterException": InvalidRequest}


class LogPosition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Up to where a job's log was read: its stream and CloudWatch's own token."""

    stream: str
    token: str


class LogLines(msgspec.Struct, frozen=True, kw_only=True):
    """Lines, oldest first, and the position to go on from; None while the container has not started."""

    lines: tuple[str, ...] = ()
    position: LogPosition | None = None


class TrainingLogs:
    """Reads the log streams of SageMaker's training jobs."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def tail(self, name: str, limit: int = MAX_LINES) -> LogLines:
        """Return the last lines of the job *name*; none before its container has started."""
        try:
            stream = self._last_stream(name)
            return self._read(name, stream, {"startFromHead": False}, limit) if stream else LogLines()
        except NotFound:
            return LogLines()

    def after(self, name: str, position: LogPosition, limit: int = MAX_LINES) -> LogLines:
        """Return the lines of the job *name* that follow *position*; a job that began anew is read from there.

        Raises
        ------
        InvalidRequest
            CloudWatch gave out no such position, or forgot it.
        """
        try:
            stream = self._last_stream(name)
            if stream is not None and stream != position.stream:
                return self._read(name, stream, {"startFromHead": True}, limit)
            options = {"startFromHead": True, "nextToken": position.token}
            return self._read(name, position.stream, options, limit)
        except NotFound:
            return LogLines(position=position)

    def _last_stream(self, name: str) -> str | None:
        """Return the stream of the newest container: each that follows an interruption writes one of its own."""
        with aws_errors(f"read the log of {name}", _ERRORS):
            answer = self._client.describe_log_streams(
                logGroupName=GROUP, logStreamNamePrefix=f"{name}/", limit=_MAX_STREAMS
            )
        # They end in the second they began.
        return max((str(stream["logStreamName"]) for stream in answer["logStreams"]), default=None)

    def _read(self, name: str, stream: str, options: Mapping[str, Any], limit: int) -> LogLines:
        with aws_errors(f"read the log of {name}", _ERRORS):
            answer = self._client.get_log_events(
                logGroupName=GROUP, logStreamName=stream, limit=limit, **options
            )
        lines = tuple(str(event["message"]) for event in answer["events"])
        return LogLines(lines=lines, position=LogPosition(stream=stream, token=answer["nextForwardToken"]))
