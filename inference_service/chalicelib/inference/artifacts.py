"""Adapter: a model version's files in the models bucket, and the KMS key that signed their manifest."""

import base64
import binascii
import hashlib
from typing import Any

import msgspec
from chalicelib.inference.states import Refused

from shared.aws import aws_errors
from shared.entities.training import ModelFile, ModelManifest, ModelVersion
from shared.errors import NotFound
from shared.objects import Bucket, split_uri

# Hashing piece by piece keeps a large model out of a small function's memory.
_PIECE_BYTES = 1024 * 1024


class SignedArtifacts:
    """Reads what a model version consists of and refuses what is not exactly what was signed."""

    def __init__(self, bucket: Bucket, kms: Any, key_arn: str) -> None:
        self._bucket = bucket
        self._kms = kms
        self._key_arn = key_arn

    def verify(self, model: ModelVersion) -> ModelManifest:
        """Return the model's manifest once its signature and the artifact's hash hold.

        Raises
        ------
        Refused
            A byte of manifest, signature or artifact is not what training signed, or a file is gone.
        """
        content = self._read(model.manifest_uri)
        self._check_signature(content, model)
        manifest = _manifest(content, model)
        sha256 = self._sha256(model)
        if not sha256 == manifest.artifact.sha256 == model.artifact_sha256:
            raise Refused(
                f"the artifact's hash is {sha256[:12]}…, the manifest signs {manifest.artifact.sha256[:12]}…"
            )
        return manifest

    def golden(self, model: ModelVersion) -> bytes:
        """Return ``golden.jsonl`` once its hash is the signed manifest's.

        Raises
        ------
        Refused
            The manifest names none, or the file is not the one it names.
        """
        # The row's hash of the manifest was checked against the signature before the endpoint was made.
        manifest = _manifest(self._read(model.manifest_uri), model)
        file = _named(manifest, "golden.jsonl")
        content = self._read(self._bucket.uri(_key(file, model)))
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise Refused("golden.jsonl is not the file that the manifest signs")
        return content

    def _check_signature(self, manifest: bytes, model: ModelVersion) -> None:
        digest = hashlib.sha256(manifest).digest()
        if digest.hex() != model.manifest_sha256:
            raise Refused("manifest.json is not the file that was registered")
        if not self._is_signed(digest, model.manifest_signature):
            raise Refused("the signature of manifest.json does not hold")

    def _is_signed(self, digest: bytes, signature: str) -> bool:
        from botocore.exceptions import ClientError

        try:
            decoded = base64.b64decode(signature, validate=True)
        except binascii.Error:
            return False
        if not decoded:  # KMS calls it an invalid request, which it would stay for ever
            return False
        try:
            with aws_errors("verify a manifest's signature"):
                answer = self._kms.verify(
                    KeyId=self._key_arn,
                    Message=digest,
                    MessageType="DIGEST",
                    Signature=decoded,
                    SigningAlgorithm="ECDSA_SHA_256",
                )
        except ClientError as error:
            # KMS says so by an error, not by SignatureValid=false.
            if error.response["Error"]["Code"] != "KMSInvalidSignatureException":
                raise
            return False
        return bool(answer["SignatureValid"])

    def _sha256(self, model: ModelVersion) -> str:
        """Hash the artifact piece by piece: it may be larger than the function's memory."""
        digest = hashlib.sha256()
        try:
            stream = self._bucket.open(split_uri(model.artifact_uri)[1], model.artifact_version_id)
        except NotFound as error:
            raise Refused(f"{model.artifact_uri} is gone") from error
        with stream:
            while piece := stream.read(_PIECE_BYTES):
                digest.update(piece)
        return digest.hexdigest()

    def _read(self, uri: str) -> bytes:
        try:
            return self._bucket.read(split_uri(uri)[1])
        except NotFound as error:
            raise Refused(f"{uri} is gone") from error


def _manifest(content: bytes, model: ModelVersion) -> ModelManifest:
    if hashlib.sha256(content).hexdigest() != model.manifest_sha256:
        raise Refused("manifest.json is not the file that was registered")
    try:
        manifest = msgspec.json.decode(content, type=ModelManifest)
    except msgspec.DecodeError as error:
        raise Refused(f"manifest.json cannot be read: {error}") from error
    # A genuine manifest of another version must not vouch for this one.
    if (manifest.pipeline, manifest.version) != (model.pipeline, model.version):
        raise Refused(f"manifest.json is of {manifest.pipeline} {manifest.version}")
    return manifest


def _named(manifest: ModelManifest, name: str) -> ModelFile:
    for file in manifest.files:
        if file.key.rpartition("/")[2] == name:
            return file
    raise Refused(
        f"the manifest names no {name}, so the endpoint cannot prove that it answers as training did"
    )


def _key(file: ModelFile, model: ModelVersion) -> str:
    """Return the object's key; a manifest may name its files by key or relative to itself."""
    if "/" in file.key:
        return file.key
    return split_uri(model.manifest_uri)[1].rpartition("/")[0] + "/" + file.key
