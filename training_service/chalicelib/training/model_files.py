"""Adapter: the files of a model version, ``models/<pipeline>/v<N>/…``; each is written once and never again."""

import base64
import hashlib
from typing import IO

from chalicelib.training.archive import chunks_of
from chalicelib.training.evaluation import Evaluation, decode_evaluation

from shared.entities.training import ModelFile
from shared.errors import Conflict, NotFound, PreconditionFailed
from shared.objects import Bucket

_TYPES = {"json": "application/json", "jsonl": "application/x-ndjson", "md": "text/markdown; charset=utf-8"}


def folder_of(pipeline: str, version: str) -> str:
    """Return the key prefix of one model version."""
    return f"models/{pipeline}/{version}/"


def artifact_key(pipeline: str, version: str) -> str:
    """Return the key of the model itself."""
    return f"{folder_of(pipeline, version)}model.tar.gz"


def evaluation_key(pipeline: str, version: str, job_id: str | None = None) -> str:
    """Return the key of a version's evaluation: its own training's, or that of a job that judged it again."""
    name = f"evaluations/{job_id}.json" if job_id else "evaluation.json"
    return folder_of(pipeline, version) + name


def serving_key(key: str) -> str:
    """Return the key of the latencies that were measured with the evaluation under *key*."""
    folder, _, name = key.rpartition("/")
    return (
        f"{folder}/serving.json" if name == "evaluation.json" else f"{key.removesuffix('json')}serving.json"
    )


class ModelFiles:
    """Writes and reads the files of model versions."""

    def __init__(self, models: Bucket) -> None:
        self.bucket = models

    def write_once(self, key: str, body: bytes | IO[bytes], sha256: str, size_bytes: int) -> ModelFile:
        """Write an object where there is none; the very same bytes already there are a success.

        Raises
        ------
        Conflict
            Other bytes are there.
        """
        kind = _TYPES.get(key.rpartition(".")[2], "application/octet-stream")
        # S3 compares the hash with what arrives, and keeps it: who reads the object later need not download it.
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        try:
            self.bucket.write(key, body, content_type=kind, new=True, sha256=checksum)
        except PreconditionFailed:
            if self._hash(key) != sha256:
                # Never seen, and never to be mended here: somebody wrote under a number that is not theirs.
                raise Conflict(f"{self.bucket.uri(key)} exists with other bytes; it is immutable") from None
        return ModelFile(key=key, sha256=sha256, size_bytes=size_bytes)

    def write_first(self, key: str, body: bytes) -> bytes:
        """Write an object where there is none and return what is there then: a signature made twice differs."""
        try:
            self.bucket.write(key, body, new=True)
        except PreconditionFailed:
            return self.bucket.read(key)
        return body

    def evaluation(self, key: str) -> Evaluation:
        """Return the evaluation under *key* with its latencies, which older versions do not have."""
        return decode_evaluation(self.bucket.read(key), self.find(serving_key(key)))

    def find(self, key: str) -> bytes | None:
        """Return an object, None where there is none."""
        try:
            return self.bucket.read(key)
        except NotFound:
            return None

    def _hash(self, key: str) -> str:
        digest = hashlib.sha256()
        for chunk in chunks_of(self.bucket, key):
            digest.update(chunk)
        return digest.hexdigest()
