"""Adapters: secrets in Secrets Manager."""

import time
from collections.abc import Collection

import msgspec

from shared.aws import JsonApi, aws_errors
from shared.errors import Broken

_ERRORS = {"ResourceNotFoundException": Broken}
KEEP_S = 300  # after a rotation the old value stays valid at least this long


class OriginSecret:
    """The values CloudFront may send; read again every five minutes."""

    def __init__(self, secrets: JsonApi, arn: str) -> None:
        self._secrets = secrets
        self._arn = arn
        self._values: tuple[str, ...] = ()
        self._read_at = float("-inf")

    def values(self) -> Collection[str]:
        """Return the values accepted now: ``current`` and, while it rotates, ``previous``."""
        # Never before the first request: packaging and tests make the object without AWS.
        if time.monotonic() - self._read_at > KEEP_S:
            with aws_errors("read the origin secret", _ERRORS):
                text = self._secrets.call("GetSecretValue", {"SecretId": self._arn})["SecretString"]
            self._values = tuple(
                value for value in msgspec.json.decode(text, type=dict[str, str]).values() if value
            )
            self._read_at = time.monotonic()
        return self._values


class HashKey:
    """The key of the hashes of inputs, read once: it never changes, or equal records had other hashes."""

    def __init__(self, secrets: JsonApi, arn: str) -> None:
        self._secrets = secrets
        self._arn = arn
        self._key = b""

    def value(self) -> bytes:
        """Return the key."""
        if not self._key:
            with aws_errors("read the key of input hashes", _ERRORS):
                text: str = self._secrets.call("GetSecretValue", {"SecretId": self._arn})["SecretString"]
            self._key = text.encode()
        return self._key
