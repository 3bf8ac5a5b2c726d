"""What is kept of an upload that was begun, so that the same command goes on with it."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from headrace.client.credentials import FOLDER
from headrace.client.multipart import Begun
from headrace.client.sources import Source


class Bookmark(msgspec.Struct, frozen=True, kw_only=True):
    """An upload and the file it is of; no token, no address that opens anything."""

    named: str
    size_bytes: int
    fingerprint: str
    begun: Begun

    def is_of(self, source: Source) -> bool:
        """Say whether the file still is the one whose upload was begun."""
        return (self.size_bytes, self.fingerprint) == (source.size_bytes, source.fingerprint)


class Bookmarks:
    """One small file per upload that is not over: per stage, pipeline and path of the file."""

    def __init__(self, folder: Path, stage_url: str, pipeline: str) -> None:
        self._folder = folder
        self._of = (stage_url, pipeline)

    def find(self, source: Source) -> Bookmark | None:
        """Return what is kept for the file; a bookmark that cannot be read is none."""
        try:
            return msgspec.json.decode(self._place(source).read_bytes(), type=Bookmark)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None

    def keep(self, source: Source, begun: Begun) -> None:
        """Keep an upload that was just begun.

        Raises
        ------
        OSError
            The folder cannot be written: then the upload works and cannot be resumed.
        """
        bookmark = Bookmark(
            named=str(source.named),
            size_bytes=source.size_bytes,
            fingerprint=source.fingerprint,
            begun=begun,
        )
        place = self._place(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        partial = place.with_suffix(".tmp")
        partial.write_bytes(msgspec.json.encode(bookmark))
        partial.replace(place)

    def drop(self, source: Source) -> None:
        """Forget an upload that is over."""
        with suppress(OSError):
            self._place(source).unlink()

    def _place(self, source: Source) -> Path:
        identity = "\0".join((*self._of, str(source.named)))
        # "surrogateescape": a file's name may be no UTF-8.
        digest = hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()
        return self._folder / f"{digest[:32]}.json"


def state_folder(environ: Mapping[str, str], folder: Path) -> Path:
    """Return where the user's programs keep their state (XDG); in a world without a home, the project's folder."""
    home = environ.get("HOME")
    state = environ.get("XDG_STATE_HOME") or (f"{home}/.local/state" if home else None)
    return (Path(state) / "headrace" if state else folder / FOLDER) / "uploads"
