"""The static files behind the one origin: the console and the OpenAPI document."""

import hashlib
import mimetypes
from pathlib import Path

from infra.fingerprint import files_of
from infra.stage import Stage

OPENAPI = Path("docs") / "reference" / "openapi.json"
# What mimetypes does not know everywhere, or names in an outdated way.
_TYPES = {
    "": "text/html; charset=utf-8",  # a page under a plain address, such as /problems/not-found
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}


def site_files(root: Path) -> dict[str, Path]:
    """Return every file of the site by its key."""
    console = root / "console"
    files = dict(files_of(console)) if console.is_dir() else {}
    files = {key: path for key, path in files.items() if not path.name.startswith(".")}
    if (root / OPENAPI).is_file():
        files["openapi.json"] = root / OPENAPI
    return files


def publish_site(stage: Stage, bucket: str, root: Path) -> list[str]:
    """Make the bucket hold exactly the site's files; return the keys that were written or removed."""
    s3 = stage.client("s3")
    there = {
        entry["Key"]: entry["ETag"].strip('"')
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        for entry in page.get("Contents", [])
    }
    files = site_files(root)
    contents = {key: path.read_bytes() for key, path in files.items()}
    # S3's ETag of an object written in one piece under SSE-S3 is the MD5 of its bytes.
    stale = [key for key, body in contents.items() if there.get(key) != _md5(body)]
    for key in stale:
        s3.put_object(
            Bucket=bucket,
            Key=key,
            Body=contents[key],
            ContentType=content_type(files[key]),
            # No build step, so no digests in the names: browsers must ask again.
            CacheControl="no-cache",
        )
    gone = sorted(there.keys() - files.keys())
    for key in gone:
        s3.delete_object(Bucket=bucket, Key=key)
    return [*stale, *gone]


def content_type(path: Path) -> str:
    """Return the media type under which *path* is served."""
    known = _TYPES.get(path.suffix.lower())
    return known or mimetypes.guess_type(path.name)[0] or "application/octet-stream"


def _md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()
