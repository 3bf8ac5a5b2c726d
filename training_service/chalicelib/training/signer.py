"""Adapter: the KMS key that signs model manifests."""

from typing import Any

from shared.aws import aws_errors


class Signer:
    """Signs with one asymmetric key (P-256); the public key verifies without asking AWS."""

    def __init__(self, client: Any, key_arn: str) -> None:
        self._client = client
        self._key_arn = key_arn

    def sign(self, digest: bytes) -> bytes:
        """Return the DER-encoded ECDSA signature of a SHA-256 *digest*; each call gives another, all valid."""
        with aws_errors("sign a model manifest"):
            answer = self._client.sign(
                KeyId=self._key_arn, Message=digest, MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256"
            )
        return bytes(answer["Signature"])
