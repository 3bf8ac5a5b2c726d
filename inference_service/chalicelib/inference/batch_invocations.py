"""Adapter: the function that works on batches, started asynchronously."""

import logging
from typing import Any

import msgspec


class BatchOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Which batch to work on."""

    pipeline: str
    id: str


class BatchInvocations:
    """Starts the function; where that fails, the next tick does it."""

    def __init__(self, client: Any, function: str, log: logging.Logger) -> None:
        self._client = client
        self._function = function
        self._log = log

    def begin(self, pipeline: str, batch_id: str) -> None:
        """Let the function begin with a batch."""
        from botocore.exceptions import BotoCoreError, ClientError

        payload = msgspec.json.encode(BatchOrder(pipeline=pipeline, id=batch_id))
        try:
            self._client.invoke(FunctionName=self._function, InvocationType="Event", Payload=payload)
        except (BotoCoreError, ClientError):
            self._log.warning("batch not begun; the next tick will", exc_info=True)
