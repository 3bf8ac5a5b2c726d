"""Adapter: one copy of an object on local disk, for formats that are read by place: hashed on the way, nameless."""

import errno
import os
import tempfile
import weakref
from typing import IO

from chalicelib.ingest.formats.feed import Feed
from chalicelib.ingest.formats.reader import Limits, Source, TooLargeHere


class LocalCopy:
    """The content of *source*, decompressed; it has no name, so nothing is left behind whatever happens.

    ``sha256`` and ``size_bytes`` are of the raw object, ``content_bytes`` is the length of the copy.

    Raises
    ------
    TooLargeHere
        There is more of it than this process takes, or than its disk.
    Unavailable
        It did not arrive whole.
    """

    def __init__(self, source: Source, limits: Limits) -> None:
        self.file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as this object
        weakref.finalize(self, self.file.close)
        feed = Feed(source, limits)
        try:
            for chunk in feed.chunks():
                self.file.write(chunk)
                if self.file.tell() > limits.max_copied_bytes:
                    raise TooLargeHere(f"a copy of it has more than {limits.max_copied_bytes:,} bytes")
            self.file.flush()
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise TooLargeHere("the disk is full") from None
        self.sha256, self.size_bytes = feed.sha256, feed.size_bytes
        self.content_bytes = os.fstat(self.file.fileno()).st_size

    @property
    def path(self) -> str:
        """A path by which this process can read it."""
        return f"/proc/self/fd/{self.file.fileno()}"
