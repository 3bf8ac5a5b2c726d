"""Take what a completed processing job left, once it is certain that it is this job's and whole."""

import msgspec
from chalicelib.ingest.adapters import Adapters
from chalicelib.ingest.build import Built
from chalicelib.ingest.processing.messages import RESULT, JobResult
from chalicelib.ingest.validation import Duplicate, Result, publish

from shared.entities.dataset import DatasetVersion
from shared.errors import HeadraceError, NotFound
from shared.objects import ObjectInfo


class Incomplete(HeadraceError):
    """A job that says it completed left not what it should; another attempt makes it anew."""


def collect(mine: DatasetVersion, adapters: Adapters) -> Result:
    """Return what the job of the claimed row made; of a dataset the manifest is written.

    Raises
    ------
    Incomplete
        The result is missing or another job's, a file that it names is missing or shorter, or another upload was
        quicker to change the schema.
    """
    result = _read(mine, adapters)
    if result.refusal is not None:
        return result.refusal
    if result.built is None:
        raise Incomplete(f"{mine.processing_job} left a result without dataset and without reason")
    first = adapters.catalog.holder(mine.pipeline, result.built.content_sha256)
    if first is not None and first.version != mine.version:
        return Duplicate(first=first)
    _check_parts(mine, result.built, adapters)
    other = adapters.catalog.take_schema(mine, result.judged_by, result.built.schema_sha256)
    if other is not None:
        # The next job is told that one's schema.
        raise Incomplete(f"version {other.version} was quicker to say what the pipeline's columns are")
    # The upload itself may be deleted by now: what was copied counts.
    info = ObjectInfo(key=mine.key, size_bytes=result.size_bytes, version_id=mine.version_id)
    return publish(mine, info, result.built, adapters)


def _read(mine: DatasetVersion, adapters: Adapters) -> JobResult:
    try:
        body = adapters.files.read(mine.pipeline, mine.version, RESULT)
        result = msgspec.json.decode(body, type=JobResult)
    except NotFound:
        raise Incomplete(f"{mine.processing_job} completed without a result") from None
    except msgspec.DecodeError as error:
        raise Incomplete(f"{mine.processing_job} left a result that cannot be read: {error}") from error
    if result.job != mine.processing_job:
        raise Incomplete(f"{mine.processing_job} left the result of {result.job}")
    return result


def _check_parts(mine: DatasetVersion, built: Built, adapters: Adapters) -> None:
    for part in built.parts:
        try:
            size = adapters.files.size_of(mine.pipeline, mine.version, part.name)
        except NotFound:
            raise Incomplete(f"{mine.processing_job} left no {part.name}") from None
        if size != part.size_bytes:
            raise Incomplete(
                f"{part.name} of {mine.processing_job} has {size:,} bytes, not {part.size_bytes:,}"
            )
