"""What an object's key says: its pipeline, its file, its version; all of it hostile until checked."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Self

import msgspec
from chalicelib.ingest.formats.detect import format_of_name
from chalicelib.ingest.reasons import rejection

PREFIX = "incoming/"
UNROUTED = "#unrouted"  # the pseudo pipeline of versions whose key names none
MAX_KEY_BYTES = 1024
# As the entity `Name`, but without msgspec: a key is checked before anything else is known.
_PIPELINE = re.compile(r"[a-z][a-z0-9-]{1,38}[a-z0-9]")
# Beside C0 and C1 also the two separators that break lines in logs and in JavaScript.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """One version of one object, as an event or a listing names it."""

    bucket: str
    key: str
    version_id: str | None = None
    size_bytes: int = 0

    @classmethod
    def of_event(cls, detail: Mapping[str, Any]) -> Self:
        """Return what the detail of S3's *Object Created* names."""
        stored = detail["object"]
        return cls(
            bucket=detail["bucket"]["name"],
            key=stored["key"],
            version_id=stored.get("version-id"),
            size_bytes=stored.get("size", 0),
        )

    @property
    def version(self) -> str:
        """The dataset version: 20 hex digits of SHA-256 over bucket, key and versionId joined by NUL.

        S3 allows NUL in none of the three, so no two uploads share the text that is hashed.
        """
        text = "\0".join((self.bucket, self.key, self.version_id or ""))
        return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:20]

    @property
    def pipeline(self) -> str:
        """The pipeline whose version this is: the key's first folder, else :data:`UNROUTED`."""
        folder = self.key.removeprefix(PREFIX).partition("/")[0]
        return folder if is_pipeline_name(folder) and self.key.startswith(PREFIX) else UNROUTED

    @property
    def is_folder(self) -> bool:
        """Whether this is the empty object that consoles write to show a folder."""
        return self.key.endswith("/")


def is_pipeline_name(text: str) -> bool:
    """Say whether *text* may be the name of a pipeline."""
    return _PIPELINE.fullmatch(text) is not None


def check_key(key: str) -> None:
    """Refuse every key that is not ``incoming/<pipeline>/<file>``.

    Raises
    ------
    InvalidDataset
        ``bad_key``.
    """
    problem = _problem(key)
    if problem:
        raise rejection("bad_key", f"The key {key[:120]!r} {problem}; it must be incoming/<pipeline>/<file>.")


def check_file_name(name: str) -> None:
    """Refuse a file name that cannot be the last part of a key or has no format we read.

    Raises
    ------
    InvalidDataset
        ``bad_key`` or ``unsupported_format``.
    """
    if "/" in name or name in {"", ".", ".."}:
        raise rejection("bad_key", f"The file name {name[:120]!r} is not one name without slashes.")
    check_key(f"{PREFIX}any/{name}")
    format_of_name(name)


def _problem(key: str) -> str | None:
    """Return what is wrong with *key*, None when nothing is."""
    parts = key.split("/")
    checks = (
        (len(key.encode(errors="surrogatepass")) > MAX_KEY_BYTES, f"has more than {MAX_KEY_BYTES} bytes"),
        (_CONTROL.search(key) is not None, "has control characters"),
        (any(part in {".", ".."} for part in parts), "has a part of dots only"),
        (len(parts) > 3, "lies deeper than one folder"),
        (len(parts) < 3 or not parts[-1], "has no pipeline or no file"),
        (len(parts) == 3 and not is_pipeline_name(parts[1]), "names no possible pipeline"),
    )
    return next((text for wrong, text in checks if wrong), None)
