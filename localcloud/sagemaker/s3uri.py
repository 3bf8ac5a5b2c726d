"""S3 URIs and what they stand for: buckets, keys and the file names channels give to objects."""

import posixpath
from typing import Annotated, Any

import msgspec

from localcloud.sagemaker.errors import ClientJobError


class _ManifestHead(msgspec.Struct, frozen=True, kw_only=True):
    prefix: Annotated[str, msgspec.Meta(pattern="^s3://")]


def split_s3_uri(uri: str) -> tuple[str, str]:
    """Return bucket and key; the key is empty for a whole bucket."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def file_name_under_prefix(prefix: str, key: str) -> str:
    """Return the path of an object inside a channel folder, as S3Prefix channels lay it out.

    Keys are cut after the last slash of the prefix, so `s3://b/data/part` gives `part-0.csv` for
    `data/part-0.csv`, and a prefix that is a whole key gives that object's own name.
    """
    folder = prefix[: prefix.rfind("/") + 1]
    if key.startswith(prefix + "/"):
        folder = prefix + "/"
    return safe_file_name(key.removeprefix(folder))


def safe_file_name(name: str) -> str:
    """Return a relative path that stays inside its channel, or raise when a key tries to leave it."""
    # Keys are chosen by whoever fills the bucket: one with ".." must not reach other files.
    clean = posixpath.normpath(name.lstrip("/"))
    if clean.startswith("..") or clean in ("", "."):
        raise ClientJobError(
            f"Data download failed:the S3 key {name!r} does not name a file inside the channel."
        )
    return clean


def manifest_entries(manifest: Any, uri: str) -> list[tuple[str, str]]:
    """Return (S3 URI, file name) of every object a ManifestFile lists.

    The format is AWS's: `[{"prefix": "s3://bucket/some/"}, "path/a.csv", …]`; the URI of an object is
    the prefix followed by the path, the file name in the channel is the path.
    """
    try:
        head = msgspec.convert(manifest[0], _ManifestHead)
        paths = msgspec.convert(manifest[1:], list[str])
    except (msgspec.ValidationError, LookupError, TypeError) as error:
        raise ClientJobError(
            f"Invalid manifest file {uri}: expected a JSON list of one object with a 'prefix' S3 URI "
            f"followed by relative paths ({error})."
        ) from error
    return [(head.prefix + path, safe_file_name(path)) for path in paths]
