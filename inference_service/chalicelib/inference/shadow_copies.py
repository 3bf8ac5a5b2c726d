"""Adapter: hands copies of answered requests to the function that asks the shadow with them.

A Lambda function stops with its answer, so whatever shall happen after it needs another invocation. The hand-over is
one asynchronous Invoke, made in a thread beside the writing of the log; the answer waits for it no longer than
``WAIT_S``, and is not changed by anything that happens to it.
"""

import concurrent.futures
import functools
import logging
from collections.abc import Callable
from typing import Any

import msgspec
from chalicelib.inference.attempts import Copy

# An asynchronous invocation takes 1 MB; a larger request is not copied.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_BYTES = 1_000_000
WAIT_S = 0.2


class ShadowCopies:
    """Sends one copy at a time; while one is on its way, the next are left out.

    ``make_client`` is called at the first copy: most pipelines have no shadow.
    """

    def __init__(self, make_client: Callable[[], Any], function: str, log: logging.Logger) -> None:
        self._client = functools.cache(make_client)
        self._function = function
        self._log = log
        self._thread = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="shadow")
        self._sent: concurrent.futures.Future[None] | None = None

    def begin(self, copy: Copy) -> None:
        """Begin to send *copy*."""
        payload = msgspec.json.encode(copy)
        if len(payload) <= MAX_BYTES and (self._sent is None or self._sent.done()):
            self._sent = self._thread.submit(self._send, payload)

    def finish(self) -> None:
        """Wait until what was begun is on its way, or until that takes too long."""
        if self._sent is not None:
            concurrent.futures.wait([self._sent], timeout=WAIT_S)

    def _send(self, payload: bytes) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client().invoke(FunctionName=self._function, InvocationType="Event", Payload=payload)
        except (BotoCoreError, ClientError):
            # A shadow that misses a request learns less; nobody else is concerned.
            self._log.warning("copy not handed over", exc_info=True)


def impatient_client() -> Any:
    """Return a client for Invoke that rather loses a copy than makes anybody wait."""
    import boto3
    from botocore.config import Config

    config = Config(retries={"total_max_attempts": 1}, connect_timeout=0.5, read_timeout=1)
    return boto3.client("lambda", config=config)
