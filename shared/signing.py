"""Adapter: the KMS key that signs model manifests, and verifies them before anything is believed."""

import base64
import binascii
from typing import Any

from shared.aws import aws_errors

_ALGORITHM = "ECDSA_SHA_256"


class SigningKey:
    """One asymmetric key (P-256). The private half never leaves KMS."""

    def __init__(self, client: Any, key_arn: str) -> None:
        self._client = client
        self._key_arn = key_arn

    def sign(self, digest: bytes) -> bytes:
        """Return the DER-encoded ECDSA signature of a SHA-256 *digest*; each call gives another, all valid."""
        with aws_errors("sign a model manifest"):
            answer = self._client.sign(
                KeyId=self._key_arn, Message=digest, MessageType="DIGEST", SigningAlgorithm=_ALGORITHM
            )
        return bytes(answer["Signature"])

    def is_signed(self, digest: bytes, signature: str) -> bool:
        """Say whether *signature* (base64) is this key's of the digest."""
        from botocore.exceptions import ClientError

        decoded = decode_signature(signature)
        if not decoded:  # KMS calls an empty one an invalid request, which it would stay for ever
            return False
        try:
            with aws_errors("verify a manifest's signature"):
                answer = self._client.verify(
                    KeyId=self._key_arn,
                    Message=digest,
                    MessageType="DIGEST",
                    Signature=decoded,
                    SigningAlgorithm=_ALGORITHM,
                )
        except ClientError as error:
            # KMS says so by an error, not by SignatureValid=false.
            if error.response["Error"]["Code"] != "KMSInvalidSignatureException":
                raise
            return False
        return bool(answer["SignatureValid"])


def decode_signature(text: str) -> bytes | None:
    """Return the bytes of a signature, None where it is not spelled as we spell it: base64 has several ways."""
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    # The last digit has bits that mean nothing: flipped, they would still decode to the same bytes.
    return decoded if base64.b64encode(decoded).decode() == text else None
