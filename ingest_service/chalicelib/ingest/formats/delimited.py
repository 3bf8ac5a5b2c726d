"""Delimited text: detect how it is cut, stream it through DuckDB as texts, set rows of a wrong shape apart."""

# ruff: noqa: S608 - SQL here is made of our own names.

import contextlib
import secrets
from collections.abc import Iterator, Mapping

import msgspec
from chalicelib.ingest.engine import Scratch
from chalicelib.ingest.formats.compression import is_small
from chalicelib.ingest.formats.delimited_malformed import HEADER_ROWS
from chalicelib.ingest.formats.delimited_reading import Manner, Reading, lines_of, read_csv, select
from chalicelib.ingest.formats.encoding import HEAD_BYTES, encoding_of, to_utf8
from chalicelib.ingest.formats.feed import Feed, closable
from chalicelib.ingest.formats.layout import Layout, read_layout
from chalicelib.ingest.formats.reader import Limits, Source, TooLargeHere
from chalicelib.ingest.reasons import rejection

from shared.entities.pipeline import Data
from shared.errors import HeadraceError, Unavailable

_MOST_UNCUT_BYTES = 256 << 20  # of what DuckDB has read of one pipe and spills


class Delimited:
    """One delimited text file; ``encoding`` and ``layout`` are what was declared or detected."""

    declared: Mapping[str, str] = {}
    native: Mapping[str, frozenset[str]] = {}
    first_row = 1 + HEADER_ROWS

    def __init__(self, source: Source, data: Data, limits: Limits, delimiter: str | None = None) -> None:
        self._source = source
        self._limits = limits
        raw, self._is_whole = _beginning(Feed(source, limits).chunks())
        self.encoding = encoding_of(raw, data.encoding)
        chunks = iter([raw]) if self._is_whole else Feed(source, limits).chunks()
        self._head, self._is_whole = _beginning(closable(to_utf8(chunks, self.encoding)))
        self.layout: Layout = read_layout(self._head, delimiter or data.delimiter, data.quote)
        self.columns = self.layout.columns
        self.decimal_comma = self.layout.delimiter == ";"
        self.is_small = is_small(source)
        name = f"end{secrets.token_hex(16)}"
        self._manner = Manner(layout=self.layout, encoding=self.encoding, name=name)
        self._reading: Reading | None = None
        self._proven_sha256 = ""

    @property
    def sha256(self) -> str:
        """SHA-256 of the raw object's bytes, in hex, as of the newest pass."""
        return self._reading.feed.sha256 if self._reading else ""

    @property
    def size_bytes(self) -> int:
        """The raw object's bytes that have arrived in the newest pass."""
        return self._reading.feed.size_bytes if self._reading else 0

    def sample(self, scratch: Scratch) -> str:
        """Return a query of the first rows; the last one may be cut where the file goes on."""
        path = scratch.folder / "sample.csv"
        if not path.exists():
            body = self._head[self.layout.rows_at :]
            whole = body if self._is_whole else body[: max(body.rfind(b"\n"), body.rfind(b"\r")) + 1]
            path.write_bytes(b"".join(lines_of(self.layout).clean([whole])))
        return select(read_csv([path], self.layout, "ignore_errors=true"))

    @contextlib.contextmanager
    def rows(self, scratch: Scratch) -> Iterator[Iterator[str]]:
        """Read the file once from its first byte; see :class:`chalicelib.ingest.formats.reader.Reader`."""
        reading = self._reading = Reading(scratch, Feed(self._source, self._limits), self._manner)
        with contextlib.closing(reading.queries()) as queries:
            yield queries
        if not reading.is_complete:
            return  # it was cut in the wrong place; that it was the same file shows the next reading
        if self._proven_sha256 not in ("", reading.feed.sha256):
            raise Unavailable(f"{self._source.name}: the second reading brought other bytes than the first")
        self._proven_sha256 = reading.feed.sha256

    def accepted(self, scratch: Scratch, staged: str) -> int | None:
        """Return the number of rows; None where it was a wrong guess how to read the file: it must be read again.

        A stretch was cut within a value; or rows may end with an empty cell too many, which DuckDB passes over unless
        each row has a last cell of our own.

        Raises
        ------
        InvalidDataset
            ``unterminated_quote``: in one piece it ends within a value.
        TooLargeHere
            In one piece it needs more disk than this process has.
        """
        reading = self._reading
        assert reading is not None, "nothing was read"
        (total,) = scratch.row(f"SELECT count(*) FROM {staged}")
        if reading.is_cut_in_values:
            self._read_in_one_piece(reading, total)
            return None
        if total != reading.accepted:
            # Numbers tell rows apart: two rows of one number would be taken for one.
            raise HeadraceError(f"DuckDB passed on {total} rows and has counted {reading.accepted}")
        return None if self._expect_end_cells(reading) else int(total)

    def _expect_end_cells(self, reading: Reading) -> bool:
        """Say whether from now on, and not yet, every row is given a last cell of our own."""
        if self._manner.has_end_cells or not reading.has_suspect_tails:
            return False
        self._manner = msgspec.structs.replace(self._manner, has_end_cells=True)
        return True

    def _read_in_one_piece(self, reading: Reading, total: int) -> None:
        if not reading.is_cut:
            raise rejection(
                "unterminated_quote",
                f"After row {total + reading.malformed + HEADER_ROWS} a value begins with a quote "
                f"({self.layout.quote}) that never closes.",
            )
        self._manner = msgspec.structs.replace(self._manner, is_uncut=True)
        is_job = self._limits.max_bytes == self._limits.hard_max_bytes
        if self._source.size_bytes > _MOST_UNCUT_BYTES and not is_job:
            raise TooLargeHere("its values hold what looks like rows")


def _beginning(chunks: Iterator[bytes]) -> tuple[bytes, bool]:
    """Return the first megabyte of *chunks* and whether that is all."""
    pieces: list[bytes] = []
    held = 0
    with contextlib.closing(closable(chunks)) as rest:
        for chunk in rest:
            pieces.append(chunk)
            held += len(chunk)
            if held > HEAD_BYTES:
                break
    return b"".join(pieces)[:HEAD_BYTES], held <= HEAD_BYTES
