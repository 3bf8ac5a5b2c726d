"""Delimited text: detect how it is cut, stream it through DuckDB as texts, set rows of a wrong shape apart."""

# ruff: noqa: S608 - SQL here is made of our own names; what users wrote passes through engine.literal.

import contextlib
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path

from chalicelib.ingest.engine import Scratch, literal
from chalicelib.ingest.formats.delimited_lines import MAX_LINE_BYTES, Lines
from chalicelib.ingest.formats.delimited_shape import ShapeGuard
from chalicelib.ingest.formats.encoding import HEAD_BYTES, encoding_of, to_utf8
from chalicelib.ingest.formats.feed import Feed, closable
from chalicelib.ingest.formats.fifos import pouring
from chalicelib.ingest.formats.layout import Layout, read_layout
from chalicelib.ingest.formats.reader import Limits, Pass, Source
from chalicelib.ingest.reasons import rejection

from shared.entities.pipeline import Data
from shared.errors import Unavailable

HEADER_ROWS = 1  # rows are numbered as a spreadsheet shows them: the header is row 1
# DuckDB holds two buffers at a time; each must hold the longest row that Lines lets through.
_BUFFER_BYTES = 4 * MAX_LINE_BYTES
# DuckDB's names of errors in our words; what is not listed is "not a readable line".
_RULES = {
    "MISSING COLUMNS": "wrong number of cells",
    "TOO MANY COLUMNS": "wrong number of cells",
    "UNQUOTED VALUE": "text after a closing quote",
    "LINE SIZE OVER MAXIMUM": f"longer than {MAX_LINE_BYTES:,} bytes",
}


class Delimited:
    """One delimited text file; ``encoding`` and ``layout`` are what was declared or detected."""

    declared: Mapping[str, str] = {}
    first_row = 1 + HEADER_ROWS

    def __init__(self, source: Source, data: Data, limits: Limits, delimiter: str | None = None) -> None:
        self._source = source
        self._limits = limits
        # No file can hold it; the first cell of a last line that only we know.
        self._mark = f"end-{secrets.token_hex(16)}"
        self._feed: Feed | None = None
        raw, self._is_whole = _beginning(Feed(source, limits).chunks())
        self.encoding = encoding_of(raw, data.encoding)
        chunks = iter([raw]) if self._is_whole else Feed(source, limits).chunks()
        self._head, self._is_whole = _beginning(closable(to_utf8(chunks, self.encoding)))
        self.layout: Layout = read_layout(self._head, delimiter or data.delimiter, data.quote)
        self.columns = self.layout.columns

    @property
    def sha256(self) -> str:
        """SHA-256 of the raw object's bytes, in hex, as of the newest pass."""
        return self._feed.sha256 if self._feed else ""

    @property
    def size_bytes(self) -> int:
        """The raw object's bytes that have arrived in the newest pass."""
        return self._feed.size_bytes if self._feed else 0

    def sample(self, scratch: Scratch) -> str:
        """Return a query of the first rows; the last one may be cut where the file goes on."""
        path = scratch.folder / f"{self._mark}.sample"
        if not path.exists():
            body = self._head[self.layout.rows_at :]
            whole = body if self._is_whole else body[: max(body.rfind(b"\n"), body.rfind(b"\r")) + 1]
            path.write_bytes(b"".join(self._lines().clean([whole])))
        return _select(_read_csv(path, self.layout, "ignore_errors=true"))

    @contextlib.contextmanager
    def rows(self, scratch: Scratch) -> Iterator[Pass]:
        """Read the file once from its first byte; see :class:`chalicelib.ingest.formats.reader.Reader`."""
        before, feed = self._feed, Feed(self._source, self._limits)
        self._feed = feed
        fifo = scratch.folder / f"{secrets.token_hex(8)}.fifo"
        scratch.connection.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")
        with pouring({fifo: lambda: self._cleaned(feed)}):
            query = _select(_read_csv(fifo, self.layout, "store_rejects=true, rejects_limit=0"))
            yield Pass(query=query, end_mark=self._mark)
        if before is not None and before.sha256 != feed.sha256:
            raise Unavailable(f"{self._source.name}: the second reading brought other bytes than the first")
        _number_malformed(scratch)

    def accepted(self, scratch: Scratch, staged: str) -> int:
        """Return the number of rows before our own last line.

        Raises
        ------
        InvalidDataset
            ``unterminated_quote`` where that line is missing, ``no_rows`` where nothing else is.
        """
        query = f"SELECT max(n), max(n) FILTER (c0 = {literal(self._mark)}) FROM {staged}"
        total, marked = scratch.row(query)
        (malformed,) = scratch.row("SELECT count(*) FROM malformed")
        if marked is None:
            raise rejection(
                "unterminated_quote",
                f"After row {(total or 0) + malformed + HEADER_ROWS} a value begins with a quote "
                f"({self.layout.quote}) that never closes.",
            )
        if marked - 1 + malformed == 0:
            raise rejection("no_rows", f"The file has {len(self.columns)} column names and no row.")
        return int(marked) - 1

    def _lines(self) -> Lines:
        return Lines(self.layout.quote.encode(), self.layout.delimiter.encode())

    def _cleaned(self, feed: Feed) -> Iterator[bytes]:
        """Yield the rows as DuckDB gets them, then our own last line."""
        text = _skip(to_utf8(feed.chunks(), self.encoding), self.layout.rows_at)
        guard, lines = ShapeGuard(self.layout), self._lines()
        count, in_quotes = 0, False
        for chunk in lines.clean(text):
            guard.check(chunk, lines.count - count, in_quotes=in_quotes)
            count, in_quotes = lines.count, lines.in_quotes
            yield chunk
        yield (self._mark + self.layout.delimiter * (len(self.columns) - 1) + "\n").encode()


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


def _skip(chunks: Iterator[bytes], count: int) -> Iterator[bytes]:
    """Yield *chunks* without their first *count* bytes."""
    for chunk in chunks:
        if count < len(chunk):
            yield chunk[count:]
        count = max(0, count - len(chunk))


def _select(reader: str) -> str:
    return f"SELECT row_number() OVER () AS n, * FROM {reader}"


def _read_csv(path: Path, layout: Layout, errors: str) -> str:
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(layout.columns)))
    quote = literal(layout.quote)
    return (
        f"read_csv({literal(str(path))}, auto_detect=false, header=false, columns={{{columns}}}, "
        f"delim={literal(layout.delimiter)}, quote={quote}, escape={quote}, new_line='\\n', strict_mode=true, "
        f"parallel=false, {errors}, max_line_size={MAX_LINE_BYTES}, buffer_size={_BUFFER_BYTES})"
    )


def _number_malformed(scratch: Scratch) -> None:
    """Make the table ``malformed``: one entry per line, however many errors DuckDB noted for it.

    ``rank`` is 1, 2, … in file order and ``before`` the number of accepted rows ahead of the line.
    """
    rules = " ".join(f"WHEN {literal(kind)} THEN {literal(rule)}" for kind, rule in _RULES.items())
    scratch.connection.execute(
        f"""CREATE OR REPLACE TABLE malformed AS
        SELECT line + {HEADER_ROWS} AS row, rule, value, rank, line - rank AS before FROM (
            SELECT line, row_number() OVER (ORDER BY line) AS rank,
                   min(CASE error_type::VARCHAR {rules} ELSE 'not a readable line' END) AS rule,
                   any_value(substr(csv_line, 1, 100)) AS value
            FROM reject_errors GROUP BY line)"""
    )
