"""Adapter: a model version's files in the models bucket, and the KMS key that signed their manifest."""

import hashlib
from typing import Any

import msgspec
from chalicelib.inference.states import Refused

from shared.entities.training import ModelFile, ModelManifest, ModelVersion
from shared.errors import NotFound
from shared.objects import Bucket, split_uri
from shared.signing import SigningKey, decode_signature

# What the row says and the manifest signs, by the name that both have for it.
_SAME = ("pipeline", "version", "job_id", "recipe", "recipe_sha256", "image_uri", "dataset_versions")
# Hashing piece by piece keeps a large model out of a small function's memory.
_PIECE_BYTES = 1024 * 1024


class SignedArtifacts:
    """Reads what a model version consists of and refuses what is not exactly what was signed."""

    def __init__(self, bucket: Bucket, kms: Any, key_arn: str) -> None:
        self._bucket = bucket
        self._key = SigningKey(kms, key_arn)

    def verify(self, model: ModelVersion) -> ModelManifest:
        """Return the model's manifest once its signature and the artifact's hash hold.

        Raises
        ------
        Refused
            A byte of manifest, signature or artifact is not what training signed, the row says otherwise than the
            manifest, or a file is gone.
        """
        content = self._read(model.manifest_uri)
        self._check_signature(content, model)
        manifest = _manifest(content, model)
        self._check_row(manifest, model)
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
        return self._file(_manifest(self._read(model.manifest_uri), model), "golden.jsonl", model)

    def _file(self, manifest: ModelManifest, name: str, model: ModelVersion) -> bytes:
        """Return one small file once its hash is the signed manifest's."""
        file = _named(manifest, name)
        content = self._read(self._bucket.uri(_key(file, model)))
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise Refused(f"{name} is not the file that the manifest signs")
        return content

    def _check_signature(self, manifest: bytes, model: ModelVersion) -> None:
        digest = hashlib.sha256(manifest).digest()
        if digest.hex() != model.manifest_sha256:
            raise Refused("manifest.json is not the file that was registered")
        if not self._key.is_signed(digest, model.manifest_signature):
            raise Refused("the signature of manifest.json does not hold")
        stored = self._read(model.manifest_uri.removesuffix("json") + "sig")
        if stored != decode_signature(model.manifest_signature):
            raise Refused("manifest.sig is not the signature that was registered")

    def _check_row(self, manifest: ModelManifest, model: ModelVersion) -> None:
        """Refuse a row that says otherwise than what was signed: it names the image, the artifact and the inputs."""
        for name in _SAME:
            if getattr(model, name) != getattr(manifest, name):
                raise Refused(f"the row's {name} is not the one that the manifest signs")
        if model.artifact_uri != self._bucket.uri(manifest.artifact.key):
            raise Refused(f"the row names {model.artifact_uri}, the manifest signs {manifest.artifact.key}")
        inputs = self._file(manifest, "signature.json", model)
        if msgspec.json.decode(inputs) != model.inputs:
            raise Refused("the row's inputs are not those of signature.json")
        # Endpoints load what the key holds now, so there must not be anything newer than what was signed.
        newest = self._head(manifest.artifact.key)
        if newest != model.artifact_version_id:
            raise Refused(f"{model.artifact_uri} was overwritten after it was signed")

    def _head(self, key: str) -> str | None:
        try:
            return self._bucket.head(key).version_id
        except NotFound as error:
            raise Refused(f"{self._bucket.uri(key)} is gone") from error

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
