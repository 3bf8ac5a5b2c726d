"""How files get in: a signed form for one of ordinary size, signed parts above that.

The key is made of the pipeline in the path and the file's name alone, and S3 knows an upload only together with its
key: a token of one pipeline can reach nothing of another's, whatever upload id it sends.
"""

import base64
import binascii
import contextlib
import re
from collections.abc import Iterator
from datetime import timedelta

import msgspec
from chalicelib.ingest import upload_views as views
from chalicelib.ingest.adapters import Adapters
from chalicelib.ingest.keys import PREFIX, Upload, check_file_name

from shared.clock import to_text
from shared.errors import (
    Conflict,
    FieldError,
    InvalidBody,
    InvalidDataset,
    InvalidRequest,
    NotFound,
    PayloadTooLarge,
)
from shared.objects import MAX_PARTS, PartInfo

MIB = 1024 * 1024
FORM_BYTES = 64 * MIB
# 5 TiB, the largest object of S3 for most of its life; ingest itself says what it makes of a file (`too_large`).
MAX_BYTES = 5 * 1024 * 1024 * MIB
PART_BYTES = 16 * MIB
FORM_EXPIRES = timedelta(minutes=5)
# Counted when a part begins to arrive, so a slow line needs no more.
PART_EXPIRES = timedelta(minutes=15)
# As the bucket's rule `abort-unfinished-uploads` has it, in infra/foundation.yaml.
UNFINISHED_EXPIRES = timedelta(days=7)
# S3's ids have some 130 characters, not all of them safe in a path.
_UPLOAD_ID = re.compile(r"[A-Za-z0-9_-]{2,1400}")


def permit_upload(adapters: Adapters, name: str, request: views.UploadRequest) -> views.UploadView:
    """Return a form or an upload in parts for one file of the pipeline *name*.

    Raises
    ------
    InvalidBody
        The file's name could never become a dataset version.
    PayloadTooLarge
        It has more bytes than an object may have.
    """
    key = _key_of_body(adapters, name, request.filename)
    size_bytes = request.size_bytes or 0
    if size_bytes > MAX_BYTES:
        raise PayloadTooLarge(f"{size_bytes} bytes; an upload takes {MAX_BYTES} at most")
    return _begin(adapters, key, size_bytes) if size_bytes > FORM_BYTES else _form(adapters, key)


def sign_parts(
    adapters: Adapters, name: str, upload_id: str, request: views.PartsRequest
) -> views.SignedParts:
    """Return where to send some parts of an unfinished upload."""
    key = _key_of_body(adapters, name, request.filename)
    with _told_plainly(request.filename):
        # One look at the upload, so that no address is given out that S3 would refuse.
        stored_id = read_upload_id(upload_id)
        adapters.raw.arrived(key, stored_id, limit=1)
    expires_s = int(PART_EXPIRES.total_seconds())
    signed = [
        (part.number, adapters.raw.presign_part(key, stored_id, (part.number, part.sha256), expires_s))
        for part in request.parts
    ]
    return views.SignedParts(
        parts=[views.SignedPart(number=n, url=part.url, headers=part.headers) for n, part in signed],
        expires_at=to_text(adapters.clock() + PART_EXPIRES),
    )


def show_upload(adapters: Adapters, name: str, upload_id: str, filename: str | None) -> views.ArrivedParts:
    """Return what has arrived of an unfinished upload."""
    key = _key_of_query(adapters, name, filename)
    with _told_plainly(filename):
        arrived = adapters.raw.arrived(key, read_upload_id(upload_id))
    return views.ArrivedParts(
        key=key, parts=[msgspec.convert(part, views.ArrivedPart, from_attributes=True) for part in arrived]
    )


def complete_upload(
    adapters: Adapters, name: str, upload_id: str, request: views.CompleteRequest
) -> views.CompletedUpload:
    """Make the parts one object; repeated, as after a lost answer, it says the same again.

    Raises
    ------
    Conflict
        S3 does not hold the parts as told; the upload stays open.
    """
    key = _key_of_body(adapters, name, request.filename)
    _check_order(request.parts)
    parts = [
        PartInfo(number=part.number, etag=part.etag.strip('"'), sha256=part.sha256) for part in request.parts
    ]
    with _told_plainly(request.filename):
        stored_id = read_upload_id(upload_id)
        version_id = adapters.raw.complete(key, stored_id, parts, size_bytes=request.size_bytes)
    made = Upload(bucket=adapters.raw.bucket_name, key=key, version_id=version_id)
    return views.CompletedUpload(key=key, version_id=version_id, version=made.version)


def abort_upload(adapters: Adapters, name: str, upload_id: str, filename: str | None) -> None:
    """Throw an unfinished upload away, with what has arrived."""
    key = _key_of_query(adapters, name, filename)
    with _told_plainly(filename):
        adapters.raw.abort(key, read_upload_id(upload_id))


def part_size(size_bytes: int) -> int:
    """Return how large the parts of a file must be for S3 to take their number, in whole MiB."""
    needed = -(-size_bytes // MAX_PARTS)
    return max(PART_BYTES, -(-needed // MIB) * MIB)


def show_upload_id(stored: str) -> str:
    """Return S3's id of an upload as clients see it: opaque, and safe in a path."""
    return base64.urlsafe_b64encode(stored.encode()).decode().rstrip("=")


def read_upload_id(shown: str) -> str:
    """Return S3's id of an upload that a client names.

    Raises
    ------
    NotFound
        It is none that we ever gave out.
    """
    try:
        if not _UPLOAD_ID.fullmatch(shown):
            raise NotFound("no such upload")
        stored = base64.urlsafe_b64decode(shown + "=" * (-len(shown) % 4)).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        raise NotFound("no such upload") from None
    if not stored.isprintable():
        raise NotFound("no such upload")
    return stored


def _form(adapters: Adapters, key: str) -> views.UploadView:
    expires_s = int(FORM_EXPIRES.total_seconds())
    form = adapters.raw.presign(key, max_bytes=FORM_BYTES, expires_s=expires_s)
    return views.UploadView(
        upload=views.UploadForm(url=form["url"], fields=form["fields"]),
        multipart=None,
        key=key,
        expires_at=to_text(adapters.clock() + FORM_EXPIRES),
        max_bytes=FORM_BYTES,
    )


def _begin(adapters: Adapters, key: str, size_bytes: int) -> views.UploadView:
    part_size_bytes = part_size(size_bytes)
    begun = views.MultipartView(
        upload_id=show_upload_id(adapters.raw.begin(key)),
        part_size_bytes=part_size_bytes,
        part_count=-(-size_bytes // part_size_bytes),
    )
    return views.UploadView(
        upload=None,
        multipart=begun,
        key=key,
        expires_at=to_text(adapters.clock() + UNFINISHED_EXPIRES),
        max_bytes=MAX_BYTES,
    )


def _key_of_body(adapters: Adapters, name: str, filename: str) -> str:
    """Return the key of a file named in a body."""
    try:
        return _key(adapters, name, filename)
    except InvalidDataset as error:
        raise InvalidBody(str(error), (FieldError(pointer="/filename", detail=str(error)),)) from None


def _key_of_query(adapters: Adapters, name: str, filename: str | None) -> str:
    """Return the key of a file named in the query."""
    if not filename:
        raise InvalidRequest("?filename= is missing: the name the upload was begun with")
    try:
        return _key(adapters, name, filename)
    except InvalidDataset as error:
        raise InvalidRequest(f"?filename=: {error}") from None


def _key(adapters: Adapters, name: str, filename: str) -> str:
    adapters.pipelines.read.get(name)
    check_file_name(filename)
    # No name of our own making: S3 keeps every version of a key, and people look for the name they gave.
    return f"{PREFIX}{name}/{filename}"


def _check_order(parts: list[views.SentPart]) -> None:
    for expected, part in enumerate(parts, start=1):
        if part.number != expected:
            detail = f"part {part.number} stands where part {expected} belongs: name all parts, in order"
            raise InvalidBody(detail, (FieldError(pointer=f"/parts/{expected - 1}/number", detail=detail),))


@contextlib.contextmanager
def _told_plainly(filename: str | None) -> Iterator[None]:
    """Say what S3 refused in the words of these routes, without its own addresses."""
    try:
        yield
    except NotFound:
        raise NotFound(
            f"no unfinished upload of {filename!r} has this id; it was completed, aborted or too old: "
            "begin a new one with POST /v1/datasets/<pipeline>/uploads"
        ) from None
    except Conflict as error:
        raise Conflict(
            "S3 does not hold the parts as they are told, or not of that size together; see what has arrived with "
            "GET on the upload, send the rest again, then complete it"
        ) from error
