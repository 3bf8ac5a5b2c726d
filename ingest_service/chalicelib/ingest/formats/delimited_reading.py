"""One reading of delimited text: cleaned, poured in stretches through DuckDB, its malformed rows set apart."""

# ruff: noqa: S608 - SQL here is made of our own names; what users wrote passes through engine.literal.

import contextlib
from collections.abc import Generator, Iterator, Sequence
from functools import partial
from pathlib import Path

import msgspec
from chalicelib.ingest.engine import Scratch, literal
from chalicelib.ingest.formats.delimited_cuts import row_start
from chalicelib.ingest.formats.delimited_lines import MAX_LINE_BYTES, Lines
from chalicelib.ingest.formats.delimited_malformed import Malformed
from chalicelib.ingest.formats.delimited_shape import ShapeGuard
from chalicelib.ingest.formats.delimited_tails import Tails
from chalicelib.ingest.formats.encoding import to_utf8
from chalicelib.ingest.formats.feed import Feed
from chalicelib.ingest.formats.fifos import queries_of
from chalicelib.ingest.formats.layout import Layout
from chalicelib.ingest.formats.stretches import TOGETHER, Stretches

# DuckDB holds two buffers at a time; each must hold the longest row that Lines lets through.
_BUFFER_BYTES = 4 * MAX_LINE_BYTES


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How the text is read: ``name`` is what no file can hold, ``has_end_cells`` gives every row a last cell of it.

    Uncut, all of it is one stretch.
    """

    layout: Layout
    encoding: str
    name: str
    has_end_cells: bool = False
    is_uncut: bool = False

    @property
    def end_cell(self) -> str:
        """What is added to every row."""
        return self.layout.delimiter + self.name if self.has_end_cells else ""

    @property
    def poured(self) -> Layout:
        """The layout as DuckDB gets it."""
        columns = (*self.layout.columns, self.name) if self.has_end_cells else self.layout.columns
        return msgspec.structs.replace(self.layout, columns=columns)

    @property
    def mark(self) -> str:
        """A row of one cell too many: DuckDB tells of it unless a value swallows it."""
        return self.name + f"{self.layout.delimiter}x" * len(self.poured.columns)


class Reading:
    """Reads *feed* once, in the *manner* given."""

    def __init__(self, scratch: Scratch, feed: Feed, manner: Manner) -> None:
        self.feed = feed
        self._folder = scratch.folder
        self._manner = manner
        self._tails = Tails(manner.layout)
        self._malformed = Malformed(scratch, manner.mark, manner.end_cell)
        cut = _nowhere if manner.is_uncut else partial(row_start, layout=manner.poured)
        self._stretches = Stretches(self._cleaned(), cut, (manner.mark + "\n").encode())

    @property
    def accepted(self) -> int:
        """The rows that have cells, by the lines that DuckDB has counted."""
        return self._malformed.accepted

    @property
    def malformed(self) -> int:
        """The rows that have none."""
        return self._malformed.count

    @property
    def is_complete(self) -> bool:
        """Whether the text was read to its end."""
        return self._stretches.is_over

    @property
    def is_cut(self) -> bool:
        """Whether it was cut into several stretches."""
        return self._stretches.count > 1

    @property
    def is_cut_in_values(self) -> bool:
        """Whether a value went on behind the end of a stretch: it has swallowed the mark there."""
        return self._malformed.marks < self._stretches.count

    @property
    def has_suspect_tails(self) -> bool:
        """Whether rows may end with empty cells too many."""
        return self._tails.are_suspect

    @property
    def _statement(self) -> int:
        """The statement, from 0, that reads what is poured."""
        return (self._stretches.count - 1) // TOGETHER

    def queries(self) -> Generator[str]:
        """Yield query after query, each for some stretches."""
        streams = queries_of(self._stretches, TOGETHER, self._folder, self._query)
        with contextlib.closing(streams) as queries:
            for query in queries:
                yield query
                self._malformed.gather()
                if self.is_cut_in_values:
                    return  # all that follows would be read again anyway

    def _query(self, fifos: Sequence[Path]) -> str:
        read = read_csv(fifos, self._manner.poured, "store_rejects=true, rejects_limit=0")
        return select(read, *self._cells(), behind=self._malformed.accepted)

    def _cells(self) -> list[str]:
        """Return the cells without those of our own, which a value of several lines has within it."""
        if not self._manner.has_end_cells:
            return []
        within = literal(self._manner.end_cell + "\n")
        texts = (f"replace(c{i}, {within}, chr(10)) AS c{i}" for i in range(len(self._manner.layout.columns)))
        return list(texts)

    def _cleaned(self) -> Iterator[bytes]:
        """Yield the rows as DuckDB gets them."""
        layout = self._manner.layout
        text = _skip(to_utf8(self.feed.chunks(), self._manner.encoding), layout.rows_at)
        statement, guard, lines = 0, ShapeGuard(layout), lines_of(layout)
        delimiter, end = layout.delimiter.encode(), (self._manner.end_cell + "\n").encode()
        count, in_quotes = 0, False
        for chunk in lines.clean(text):
            if self._statement > statement:
                statement = self._statement
                guard.forget()
            guard.check(chunk, lines.signs.count(delimiter), lines.count - count, in_quotes=in_quotes)
            count, in_quotes = lines.count, lines.in_quotes
            self._tails.check(chunk)
            yield chunk.replace(b"\n", end) if self._manner.has_end_cells else chunk


def lines_of(layout: Layout) -> Lines:
    """Return what cleans the lines of text that is laid out so."""
    return Lines(layout.quote.encode(), layout.delimiter.encode())


def select(reader: str, *cells: str, behind: int = 0) -> str:
    """Return a query of *reader* whose numbers go on behind those of so many rows."""
    return f"SELECT {behind} + row_number() OVER () AS n, {', '.join(cells) or '*'} FROM {reader}"


def read_csv(paths: Sequence[Path], layout: Layout, errors: str) -> str:
    """Return the files as something to select from, all cells as texts."""
    files = ", ".join(literal(str(path)) for path in paths)
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(layout.columns)))
    quote = literal(layout.quote)
    return (
        f"read_csv([{files}], auto_detect=false, header=false, columns={{{columns}}}, "
        f"delim={literal(layout.delimiter)}, quote={quote}, escape={quote}, new_line='\\n', strict_mode=true, "
        f"parallel=false, {errors}, max_line_size={MAX_LINE_BYTES}, buffer_size={_BUFFER_BYTES})"
    )


def _nowhere(_: bytes) -> int:
    return 0


def _skip(chunks: Iterator[bytes], count: int) -> Iterator[bytes]:
    """Yield *chunks* without their first *count* bytes."""
    for chunk in chunks:
        if count < len(chunk):
            yield chunk[count:]
        count = max(0, count - len(chunk))
