"""Delimited text: detect how it is cut, stream it through DuckDB as texts, set rows of a wrong shape apart."""

# ruff: noqa: S608 - SQL here is made of our own names; what users wrote passes through engine.literal.

import contextlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import msgspec
from chalicelib.ingest.engine import Scratch, literal
from chalicelib.ingest.formats.compression import is_small
from chalicelib.ingest.formats.delimited_cuts import row_start
from chalicelib.ingest.formats.delimited_lines import MAX_LINE_BYTES, Lines
from chalicelib.ingest.formats.delimited_shape import ShapeGuard
from chalicelib.ingest.formats.delimited_tails import Tails
from chalicelib.ingest.formats.encoding import HEAD_BYTES, encoding_of, to_utf8
from chalicelib.ingest.formats.feed import Feed, closable
from chalicelib.ingest.formats.fifos import pouring
from chalicelib.ingest.formats.layout import Layout, read_layout
from chalicelib.ingest.formats.reader import Limits, Pass, Source, TooLargeHere
from chalicelib.ingest.formats.stretches import Stretches, count_stretches
from chalicelib.ingest.reasons import rejection

from shared.entities.pipeline import Data
from shared.errors import Unavailable

HEADER_ROWS = 1  # rows are numbered as a spreadsheet shows them: the header is row 1
# DuckDB holds two buffers at a time; each must hold the longest row that Lines lets through.
_BUFFER_BYTES = 4 * MAX_LINE_BYTES
_MOST_UNCUT_BYTES = 256 << 20  # of what DuckDB has read of one pipe and spills
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
        self._feed: Feed | None = None
        self._stretches: Stretches | None = None
        self._tails: Tails | None = None
        self._is_uncut = False
        self._end_cell = ""
        raw, self._is_whole = _beginning(Feed(source, limits).chunks())
        self.encoding = encoding_of(raw, data.encoding)
        chunks = iter([raw]) if self._is_whole else Feed(source, limits).chunks()
        self._head, self._is_whole = _beginning(closable(to_utf8(chunks, self.encoding)))
        self.layout: Layout = read_layout(self._head, delimiter or data.delimiter, data.quote)
        self.columns = self.layout.columns
        self.decimal_comma = self.layout.delimiter == ";"
        self.is_small = is_small(source)
        self._name = f"end{secrets.token_hex(16)}"  # no file can hold it

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
        path = scratch.folder / "sample.csv"
        if not path.exists():
            body = self._head[self.layout.rows_at :]
            whole = body if self._is_whole else body[: max(body.rfind(b"\n"), body.rfind(b"\r")) + 1]
            path.write_bytes(b"".join(self._lines().clean([whole])))
        return _select(_read_csv([path], self.layout, "ignore_errors=true"))

    @contextlib.contextmanager
    def rows(self, scratch: Scratch) -> Iterator[Pass]:
        """Read the file once from its first byte; see :class:`chalicelib.ingest.formats.reader.Reader`."""
        before, feed = self._feed, Feed(self._source, self._limits)
        self._feed = feed
        layout = self._poured_layout()
        cut = partial(row_start, layout=layout)
        stretches = self._stretches = Stretches(
            self._cleaned(feed), cut, (self._mark(layout) + "\n").encode()
        )
        count = 1 if self._is_uncut else count_stretches(self._source, self._limits)
        fifos = [scratch.folder / f"{secrets.token_hex(8)}.fifo" for _ in range(count)]
        scratch.connection.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")
        with pouring({fifo: partial(stretches.stretch, is_last=fifo == fifos[-1]) for fifo in fifos}):
            read = _read_csv(fifos, layout, "store_rejects=true, rejects_limit=0")
            yield Pass(query=_select(read, *self._without_end_cells(layout)))
        if before is not None and before.sha256 != feed.sha256:
            raise Unavailable(f"{self._source.name}: the second reading brought other bytes than the first")
        _number_malformed(scratch, self._mark(layout), self._end_cell)

    def accepted(self, scratch: Scratch, staged: str) -> int | None:
        """Return the number of rows; None where it was a wrong guess how to read the file: it must be read again.

        A stretch was cut within a value, as the value shows that swallowed the mark behind it; or rows may end with an
        empty cell too many, which DuckDB passes over unless each row has a last cell of our own.

        Raises
        ------
        InvalidDataset
            ``unterminated_quote``: in one piece it ends within a value.
        TooLargeHere
            In one piece it needs more disk than this process has.
        """
        assert self._stretches is not None, "nothing was read"
        mark = literal(self._mark(self._poured_layout()))
        (total,) = scratch.row(f"SELECT count(*) FROM {staged}")
        (seen,) = scratch.row(f"SELECT count(DISTINCT file_id) FROM reject_errors WHERE csv_line = {mark}")
        if seen == self._stretches.count:
            return None if self._expect_end_cells() else int(total)
        if self._stretches.count > 1:
            self._read_in_one_piece()
            return None
        (malformed,) = scratch.row("SELECT count(*) FROM malformed")
        raise rejection(
            "unterminated_quote",
            f"After row {total + malformed + HEADER_ROWS} a value begins with a quote "
            f"({self.layout.quote}) that never closes.",
        )

    def _expect_end_cells(self) -> bool:
        """Say whether from now on, and not yet, every row is given a last cell of our own."""
        if self._end_cell or self._tails is None or not self._tails.are_suspect:
            return False
        self._end_cell = self.layout.delimiter + self._name
        return True

    def _poured_layout(self) -> Layout:
        columns = (*self.columns, self._name) if self._end_cell else self.columns
        return msgspec.structs.replace(self.layout, columns=columns)

    def _mark(self, layout: Layout) -> str:
        """Return a row of one cell too many: DuckDB tells of it unless a value swallows it."""
        return self._name + f"{layout.delimiter}x" * len(layout.columns)

    def _without_end_cells(self, layout: Layout) -> list[str]:
        if not self._end_cell:
            return []
        within = literal(self._end_cell + "\n")
        texts = (f"replace(c{i}, {within}, chr(10)) AS c{i}" for i in range(len(self.columns)))
        return list(texts)

    def _read_in_one_piece(self) -> None:
        self._is_uncut = True
        is_job = self._limits.max_bytes == self._limits.hard_max_bytes
        if self._source.size_bytes > _MOST_UNCUT_BYTES and not is_job:
            raise TooLargeHere("its values hold what looks like rows")

    def _lines(self) -> Lines:
        return Lines(self.layout.quote.encode(), self.layout.delimiter.encode())

    def _cleaned(self, feed: Feed) -> Iterator[bytes]:
        """Yield the rows as DuckDB gets them."""
        text = _skip(to_utf8(feed.chunks(), self.encoding), self.layout.rows_at)
        guard, lines, tails = ShapeGuard(self.layout), self._lines(), Tails(self.layout)
        self._tails = tails
        delimiter, end = self.layout.delimiter.encode(), (self._end_cell + "\n").encode()
        count, in_quotes = 0, False
        for chunk in lines.clean(text):
            guard.check(chunk, lines.signs.count(delimiter), lines.count - count, in_quotes=in_quotes)
            count, in_quotes = lines.count, lines.in_quotes
            tails.check(chunk)
            yield chunk.replace(b"\n", end) if self._end_cell else chunk


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


def _select(reader: str, *cells: str) -> str:
    return f"SELECT row_number() OVER () AS n, {', '.join(cells) or '*'} FROM {reader}"


def _read_csv(paths: Sequence[Path], layout: Layout, errors: str) -> str:
    files = ", ".join(literal(str(path)) for path in paths)
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(layout.columns)))
    quote = literal(layout.quote)
    return (
        f"read_csv([{files}], auto_detect=false, header=false, columns={{{columns}}}, "
        f"delim={literal(layout.delimiter)}, quote={quote}, escape={quote}, new_line='\\n', strict_mode=true, "
        f"parallel=false, {errors}, max_line_size={MAX_LINE_BYTES}, buffer_size={_BUFFER_BYTES})"
    )


def _number_malformed(scratch: Scratch, mark: str, end_cell: str) -> None:
    """Make the table ``malformed``: one entry per line, however many errors DuckDB noted for it.

    ``rank`` is 1, 2, … in file order and ``before`` the number of accepted rows ahead of the line. DuckDB numbers lines
    by file; the *mark* behind each file tells how many it has.
    """
    line = f"replace(csv_line, {literal(end_cell)}, '')" if end_cell else "csv_line"
    rules = " ".join(f"WHEN {literal(kind)} THEN {literal(rule)}" for kind, rule in _RULES.items())
    scratch.connection.execute(
        f"""CREATE OR REPLACE TABLE malformed AS
        WITH marks AS (
            SELECT file_id + 1 AS file_id, sum(any_value(line) - 1) OVER (ORDER BY file_id) AS passed
            FROM reject_errors WHERE csv_line = {literal(mark)} GROUP BY file_id
        ), lines AS (
            SELECT file_id, line, any_value(substr({line}, 1, 100)) AS value,
                   min(CASE error_type::VARCHAR {rules} ELSE 'not a readable line' END) AS rule
            FROM reject_errors WHERE csv_line != {literal(mark)} GROUP BY file_id, line
        ), numbered AS (
            SELECT line + coalesce(passed, 0) AS line, rule, value,
                   row_number() OVER (ORDER BY file_id, line) AS rank
            FROM lines LEFT JOIN marks USING (file_id)
        )
        SELECT line + {HEADER_ROWS} AS row, rule, value, rank, line - rank AS before FROM numbered"""
    )
