"""Adapter: read one object's bytes once, hashed, counted, inflated and capped."""

import contextlib
import hashlib
from collections.abc import Generator, Iterator

from chalicelib.ingest.formats.compression import capped, check_size, compression_of, inflate
from chalicelib.ingest.formats.reader import Limits, Source

from shared.errors import Unavailable

CHUNK_BYTES = 1 << 20
# Inflated in pieces, so that the ratio is that of the bytes inflated, not of those that wait to be.
_PIECE_BYTES = 1 << 13


class Feed:
    """One pass over *source*: ``chunks`` yields its content, decompressed where its name says so.

    ``sha256`` and ``size_bytes`` are of the raw bytes read so far.
    """

    def __init__(self, source: Source, limits: Limits) -> None:
        self._source = source
        self._limits = limits
        self._sha256 = hashlib.sha256()
        self._inflated_from = 0
        self.size_bytes = 0

    @property
    def sha256(self) -> str:
        """The SHA-256 of the raw bytes read so far, in hex."""
        return self._sha256.hexdigest()

    def chunks(self) -> Iterator[bytes]:
        """Yield the content from its first byte; to be called once.

        Raises
        ------
        InvalidDataset
            ``corrupt_archive``, ``too_large`` or ``inflates_too_much``.
        TooLargeHere
            More than this process takes.
        Unavailable
            The source ended before its last byte.
        """
        kind = compression_of(self._source.name)
        if kind is None:
            check_size(self._source.size_bytes, self._limits)
            return self._raw()
        return capped(inflate(self._pieces(), kind), lambda: self._inflated_from, self._limits)

    def _pieces(self) -> Iterator[bytes]:
        for chunk in self._raw():
            for at in range(0, len(chunk), _PIECE_BYTES):
                piece = chunk[at : at + _PIECE_BYTES]
                self._inflated_from += len(piece)
                yield piece

    def _raw(self) -> Iterator[bytes]:
        with contextlib.closing(self._source.open()) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                self._sha256.update(chunk)
                self.size_bytes += len(chunk)
                yield chunk
        if self.size_bytes != self._source.size_bytes:
            raise Unavailable(
                f"{self._source.name}: {self.size_bytes:,} of {self._source.size_bytes:,} bytes arrived"
            )


def closable(chunks: Iterator[bytes]) -> Generator[bytes]:
    """Make *chunks* closable, so that their source is closed even where nobody reads them to the end."""
    yield from chunks
