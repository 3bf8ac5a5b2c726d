"""What the upload routes take and answer."""

from typing import Annotated

import msgspec
from msgspec import Meta

FileName = Annotated[str, Meta(min_length=1, max_length=900)]
PartNumber = Annotated[int, Meta(ge=1, le=10_000)]
Sha256 = Annotated[
    str, Meta(pattern="^[A-Za-z0-9+/]{43}=$", description="SHA-256 of the part's bytes, in base64")
]
ETag = Annotated[str, Meta(pattern='^"?[A-Za-z0-9-]{1,64}"?$')]


class UploadRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be uploaded; its size decides between a form and parts, absent it is a form."""

    filename: FileName
    size_bytes: Annotated[int, Meta(ge=0)] | None = None


class UploadForm(msgspec.Struct, frozen=True, kw_only=True):
    """Where to POST the file, and the form fields that go with it, before the field ``file``."""

    url: str
    fields: dict[str, str]


class MultipartView(msgspec.Struct, frozen=True, kw_only=True):
    """An upload in parts: every part but the last has ``part_size_bytes``, numbers go from 1 to ``part_count``."""

    upload_id: str
    part_size_bytes: int
    part_count: int


class UploadView(msgspec.Struct, frozen=True, kw_only=True):
    """A permission to upload one object until ``expires_at``: by a form, or in parts."""

    upload: UploadForm | None
    multipart: MultipartView | None
    key: str
    expires_at: str
    max_bytes: int


class PartToSign(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part that is about to be sent; S3 takes no other bytes in its place."""

    number: PartNumber
    sha256: Sha256


class PartsRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The parts to be sent next."""

    filename: FileName
    parts: Annotated[list[PartToSign], Meta(min_length=1, max_length=100)]


class SignedPart(msgspec.Struct, frozen=True, kw_only=True):
    """Where to PUT a part, and the headers that must go with it."""

    number: int
    url: str
    headers: dict[str, str]


class SignedParts(msgspec.Struct, frozen=True, kw_only=True):
    """Permissions to send parts, until ``expires_at``."""

    parts: list[SignedPart]
    expires_at: str


class ArrivedPart(msgspec.Struct, frozen=True, kw_only=True):
    """A part that S3 holds."""

    number: int
    size_bytes: int
    etag: str
    sha256: str


class ArrivedParts(msgspec.Struct, frozen=True, kw_only=True):
    """All parts of an unfinished upload that S3 holds, by number."""

    key: str
    parts: list[ArrivedPart]


class SentPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part as its sender knows it; the ETag is S3's answer to it, with or without quotes."""

    number: PartNumber
    etag: ETag
    sha256: Sha256


class CompleteRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All parts, in order and without a gap; with ``size_bytes`` S3 refuses a file of another size."""

    filename: FileName
    parts: Annotated[list[SentPart], Meta(min_length=1, max_length=10_000)]
    size_bytes: Annotated[int, Meta(ge=1)] | None = None


class CompletedUpload(msgspec.Struct, frozen=True, kw_only=True):
    """The uploaded object; ``version`` is the dataset version that is being made of it."""

    key: str
    version_id: str | None
    version: str
