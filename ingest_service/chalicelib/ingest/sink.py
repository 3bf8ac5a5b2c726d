"""Where a dataset's files go, by their names within the version: keys of the data bucket, or a folder."""

import contextlib
import hashlib
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Protocol

from chalicelib.ingest.engine import Writable


class SinkFile(Writable, Protocol):
    """A file that is being written; both figures are known once it is closed."""

    @property
    def sha256(self) -> str:
        """SHA-256 of what was written, in hex."""

    @property
    def size_bytes(self) -> int:
        """Bytes written."""


class Sink(Protocol):
    """The files of one dataset version."""

    def writer(self, name: str, content_type: str) -> AbstractContextManager[SinkFile]:
        """Open a file for streaming; a block that raises leaves nothing."""

    def write(self, name: str, content: bytes | Path, content_type: str) -> None:
        """Write a small file."""


class FolderSink:
    """A folder on local disk, which a processing job hands over as a whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextlib.contextmanager
    def writer(self, name: str, content_type: str) -> Iterator[SinkFile]:
        """Open a file below the folder; *content_type* is S3's to guess."""
        path = self._place(name)
        try:
            with path.open("wb") as file:
                yield _HashedFile(file)
        except BaseException:
            path.unlink()
            raise

    def write(self, name: str, content: bytes | Path, content_type: str) -> None:
        """Write a file below the folder."""
        path = self._place(name)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            shutil.copyfile(content, path)

    def _place(self, name: str) -> Path:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


class _HashedFile:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size_bytes = 0

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def write(self, data: bytes, /) -> int:
        self._hash.update(data)
        self.size_bytes += len(data)
        return self._file.write(data)
