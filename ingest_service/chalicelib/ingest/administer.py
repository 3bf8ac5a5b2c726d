"""What the REST routes change: pipeline definitions and permissions to upload."""

from datetime import timedelta
from typing import Any

from chalicelib.ingest.adapters import Adapters
from chalicelib.ingest.definitions import check_definition
from chalicelib.ingest.keys import PREFIX, check_file_name
from chalicelib.ingest.views import UploadForm, UploadRequest, UploadView

from shared.clock import to_text
from shared.entities.pipeline import Pipeline, PipelineDefinition
from shared.errors import Conflict, FieldError, InvalidBody, InvalidDataset, InvalidRequest, PayloadTooLarge

MAX_UPLOAD_BYTES = 64 * 1024 * 1024
UPLOAD_EXPIRES = timedelta(minutes=15)


def put_pipeline(
    adapters: Adapters, name: str, definition: PipelineDefinition, if_match: str | None
) -> tuple[Pipeline, bool]:
    """Store a definition; return the pipeline and whether it is new."""
    check_definition(name, definition)
    return adapters.pipelines.put(name, definition, adapters.clock(), rev=read_etag(if_match))


def delete_pipeline(adapters: Adapters, name: str, *, force: bool, if_match: str | None) -> None:
    """Remove a definition; its dataset versions stay, and without *force* they forbid it.

    Raises
    ------
    Conflict
        The pipeline has dataset versions.
    """
    adapters.pipelines.read.get(name)
    count = len(adapters.catalog.read.versions(name))
    if count and not force:
        raise Conflict(
            f"pipeline {name!r} has {count} dataset versions, and models may serve from them; "
            "to remove the definition all the same (the data stays) repeat with ?force=true"
        )
    adapters.pipelines.delete(name, rev=read_etag(if_match))


def permit_upload(adapters: Adapters, name: str, request: UploadRequest) -> UploadView:
    """Return a form with which one file may be uploaded to the pipeline *name*.

    Raises
    ------
    InvalidBody
        The file's name could never become a dataset version.
    PayloadTooLarge
        It has more bytes than a form upload may have.
    """
    adapters.pipelines.read.get(name)
    try:
        check_file_name(request.filename)
    except InvalidDataset as error:
        raise InvalidBody(str(error), (FieldError(pointer="/filename", detail=str(error)),)) from None
    if (request.size_bytes or 0) > MAX_UPLOAD_BYTES:
        raise PayloadTooLarge(f"{request.size_bytes} bytes; a form upload takes {MAX_UPLOAD_BYTES} at most")
    # No name of our own making: S3 keeps every version of a key, and people look for the name they gave.
    key = f"{PREFIX}{name}/{request.filename}"
    expires_s = int(UPLOAD_EXPIRES.total_seconds())
    form: dict[str, Any] = adapters.raw.presign(key, max_bytes=MAX_UPLOAD_BYTES, expires_s=expires_s)
    return UploadView(
        upload=UploadForm(url=form["url"], fields=form["fields"]),
        key=key,
        expires_at=to_text(adapters.clock() + UPLOAD_EXPIRES),
        max_bytes=MAX_UPLOAD_BYTES,
    )


def etag(pipeline: Pipeline) -> str:
    """Return the ETag of a pipeline's revision."""
    return f'"{pipeline.rev}"'


def read_etag(if_match: str | None) -> int | None:
    """Return the revision that If-Match demands, None where it is absent.

    Raises
    ------
    InvalidRequest
        It is no ETag of a pipeline.
    """
    if if_match is None:
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise InvalidRequest(f'If-Match {if_match[:40]!r} is not an ETag of a pipeline, such as "3"')
    return int(text)
