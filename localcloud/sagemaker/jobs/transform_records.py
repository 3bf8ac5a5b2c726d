"""What a transform job sends and keeps: an object cut into payloads, and answers put together again."""

from collections.abc import Iterator
from typing import Final

from localcloud.sagemaker.errors import ClientJobError, unsupported, validation
from localcloud.sagemaker.jobs import transform_joins
from localcloud.sagemaker.jobs.job_limits import check_one_instance
from localcloud.sagemaker.store import Row

_MEGABYTE: Final = 1024 * 1024
# The API reference's default of MaxPayloadInMB.
_DEFAULT_MB: Final = 6
_MOST_MB: Final = 100


def check_local_limits(request: Row) -> None:
    """Refuse what AWS does with a transform job and this machine does not."""
    check_one_instance(request["TransformResources"], "TransformResources")
    source = request["TransformInput"]
    if source.get("SplitType", "None") not in ("None", "Line"):
        raise unsupported("records are split by line or not at all (TransformInput.SplitType)")
    # The API reference's rule for MaxPayloadInMB.
    together_mb = (request.get("MaxConcurrentTransforms") or 1) * (request.get("MaxPayloadInMB") or 0)
    if together_mb > _MOST_MB:
        raise validation("MaxConcurrentTransforms * MaxPayloadInMB must not be greater than 100 MB.")
    transform_joins.check(request)


def payloads(body: bytes, request: Row) -> Iterator[bytes]:
    """Yield what the container is asked with, one after the other.

    Without a split the object is one payload; by line each record is one (SingleRecord), or as many as fit into
    MaxPayloadInMB (MultiRecord, the default). A line keeps its end.

    Raises
    ------
    ClientJobError
        A record, or an object that is not split, is larger than MaxPayloadInMB.
    """
    limit = int(request.get("MaxPayloadInMB", _DEFAULT_MB)) * _MEGABYTE or None
    if request["TransformInput"].get("SplitType", "None") == "None":
        yield _within(body, limit)
        return
    lines = [line for line in body.splitlines(keepends=True) if line.strip()]
    if request.get("BatchStrategy", "MultiRecord") == "SingleRecord":
        yield from (_within(line, limit) for line in lines)
        return
    yield from _batches(lines, limit)


def assemble(answers: list[bytes], request: Row) -> bytes:
    """Return the object that the answers to one input become: as they are, or each ended by a newline."""
    if request["TransformOutput"].get("AssembleWith", "None") == "None":
        return b"".join(answers)
    return b"".join(answer if answer.endswith(b"\n") else answer + b"\n" for answer in answers)


def output_uri(request: Row, file_name: str) -> str:
    """Return where the answers to an input go: its own name and `.out`, under the folders of its prefix."""
    folder = request["TransformOutput"]["S3OutputPath"].rstrip("/")
    return f"{folder}/{file_name}.out"


def _batches(lines: list[bytes], limit: int | None) -> Iterator[bytes]:
    """Yield the lines, as many together as fit into *limit*."""
    batch, size = list[bytes](), 0
    for line in lines:
        if batch and limit and size + len(line) > limit:
            yield b"".join(batch)
            batch, size = [], 0
        batch.append(_within(line, limit))
        size += len(line)
    if batch:
        yield b"".join(batch)


def _within(payload: bytes, limit: int | None) -> bytes:
    if limit and len(payload) > limit:
        raise ClientJobError(
            f"a record of {len(payload)} bytes is larger than MaxPayloadInMB ({limit // _MEGABYTE} MB)"
        )
    return payload
