"""Adapter: what is kept of the records of requests: nothing, keyed hashes, or all of them as an object in S3.

The policy is the pipeline's (``monitor.inputs``), read at most once a minute. A capture is written beside the
question to the model; an answer waits for it no longer than ``WAIT_S`` and never fails by it.
"""

import concurrent.futures
import gzip
import hashlib
import hmac
import logging
from collections.abc import Buffer, Callable
from typing import Any

import msgspec

from shared import metrics
from shared.aws import AwsRefusal
from shared.errors import HeadraceError, NotFound
from shared.objects import Bucket

KEEP_S = 60.0
WAIT_S = 0.2
_MAX_ENTRIES = 512
_RECORDS = msgspec.json.Decoder(list[dict[str, Any]])
_SORTED = msgspec.json.Encoder(order="deterministic")


class InputPolicies:
    """The policy of each pipeline as it was a minute ago; where it cannot be read, nothing is kept."""

    def __init__(
        self, read: Callable[[str], str], monotonic: Callable[[], float], log: logging.Logger
    ) -> None:
        self._read = read
        self._monotonic = monotonic
        self._log = log
        self._known: dict[str, tuple[float, str]] = {}

    def of(self, pipeline: str) -> str:
        """Return none, hash or full."""
        now = self._monotonic()
        known = self._known.get(pipeline)
        if known is not None and now - known[0] <= KEEP_S:
            return known[1]
        try:
            policy = self._read(pipeline)
        except (HeadraceError, AwsRefusal):
            self._log.warning("policy of inputs not read: nothing is kept of them", exc_info=True)
            policy = "none"
        if len(self._known) >= _MAX_ENTRIES:
            self._known.clear()
        self._known[pipeline] = (now, policy)
        return policy


class KeptInputs:
    """Hashes and captures; ``key`` returns the secret of the hashes, read when the first one is made."""

    def __init__(
        self,
        policies: InputPolicies,
        bucket: Bucket,
        key: Callable[[], bytes],
        stage: str,
        log: logging.Logger,
    ) -> None:
        self._policies = policies
        self._bucket = bucket
        self._key = key
        self._stage = stage
        self._log = log
        self._thread = concurrent.futures.ThreadPoolExecutor(2, thread_name_prefix="captures")
        self._begun: tuple[str, concurrent.futures.Future[bool]] | None = None

    def begin(self, pipeline: str, request_id: str, records: Buffer) -> None:
        """Begin to capture the JSON array *records*, where the policy is ``full``."""
        if self._policies.of(pipeline) != "full":
            self._begun = None
            return
        # A request that is asked a second time has the same records.
        if self._begun is None or self._begun[0] != request_id:
            self._begun = (
                request_id,
                self._thread.submit(self._write, _key_of(pipeline, request_id), records),
            )

    def finish(self, pipeline: str, records: Buffer) -> tuple[str, tuple[str, ...]]:
        """Return what was kept and the hashes."""
        policy = self._policies.of(pipeline)
        if policy == "hash":
            return self._hashed(records)
        if policy == "full" and self._is_captured():
            return "full", ()
        return "none", ()

    def captured(self, pipeline: str, request_id: str) -> list[dict[str, Any]] | None:
        """Return the records of a request as they were captured, None where they were not."""
        try:
            return _RECORDS.decode(gzip.decompress(self._bucket.read(_key_of(pipeline, request_id))))
        except NotFound:
            return None

    def _is_captured(self) -> bool:
        if self._begun is None:
            return False
        done, _ = concurrent.futures.wait([self._begun[1]], timeout=WAIT_S)
        is_there = bool(done) and self._begun[1].result()
        if not is_there:
            dimensions = {"stage": self._stage, "service": "inference"}
            metrics.emit({"CaptureDropped": (1, "Count")}, dimensions=dimensions)
        return is_there

    def _write(self, key: str, records: Buffer) -> bool:
        try:
            self._bucket.write(key, gzip.compress(bytes(records), compresslevel=1, mtime=0))
        except (HeadraceError, AwsRefusal):
            self._log.warning("records not captured", exc_info=True)
            return False
        return True

    def _hashed(self, records: Buffer) -> tuple[str, tuple[str, ...]]:
        try:
            key = self._key()
        except (HeadraceError, AwsRefusal):
            self._log.warning("key of the hashes not read: nothing is kept of the inputs", exc_info=True)
            return "none", ()
        return "hash", hashes_of(records, key)


def hashes_of(records: Buffer, key: bytes) -> tuple[str, ...]:
    """Return the HMAC-SHA256 of each record of a JSON array, whatever the order and spacing of its fields."""
    # Keyed, since what has few values is found by trying them all.
    return tuple(
        hmac.new(key, _SORTED.encode(record), hashlib.sha256).hexdigest()
        for record in _RECORDS.decode(records)
    )


def _key_of(pipeline: str, request_id: str) -> str:
    return f"captures/{pipeline}/{request_id}.json.gz"
