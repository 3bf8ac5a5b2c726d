"""Adapter: rows that Python makes one by one, read by DuckDB as a stream; what is no row is set apart.

Formats that DuckDB cannot read safely itself (JSON lines, archives of pictures) are cut into cells here. The
cells go as CSV through a FIFO, the malformed rows into a small file beside it, and neither is ever held whole.
"""

# ruff: noqa: S608 - SQL here is made of our own names; what users wrote passes through engine.literal.

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

from chalicelib.ingest.engine import Scratch, literal
from chalicelib.ingest.formats.fifos import Stream, queries_of

# Unquoted cells that mean nothing is there; the same texts in quotes stay texts.
ABSENT = b"\x7f"  # JSON's null is the other
VALUE_CHARS = 100
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


class RowLog:
    """Counts the rows of one pass, and writes down those that are malformed."""

    def __init__(self, malformed: IO[str], first_row: int) -> None:
        self._file = malformed
        self._first_row = first_row
        self.accepted = 0
        self.malformed = 0

    def accept(self, lines: Sequence[bytes]) -> bytes:
        """Return good rows, each a line of CSV without its line break, as one piece."""
        self.accepted += len(lines)
        return b"\n".join([*lines, b""]) if lines else b""

    def reject(self, rule: str, value: str, *, ahead: int = 0) -> None:
        """Set apart what stands where the next row would, with *ahead* good rows not yet accepted before it."""
        before = self.accepted + ahead
        self.malformed += 1
        row = self._first_row + before + self.malformed - 1
        # One line each, whatever the value: this file is cut at line feeds and tabs only.
        texts = (str(row), _plain(rule), _plain(value), str(self.malformed), str(before))
        self._file.write("\t".join(texts) + "\n")


@contextlib.contextmanager
def piped(
    scratch: Scratch,
    produce: Callable[[RowLog], Iterable[Stream]],
    *,
    together: int,
    width: int,
    first_row: int,
    max_line_bytes: int,
) -> Iterator[Iterator[str]]:
    """Pour the streams of rows that *produce* offers beside the block that reads them, then make the table ``malformed``.

    Rows of two streams never share a vector: where rows are so large that DuckDB must not gather its usual 2,048 of
    them, a stream is about what it holds at a time. So many of them *together* are read by one query.
    """
    beside = scratch.folder / "malformed.tsv"
    with beside.open("w", encoding="utf-8", errors="replace", newline="\n") as malformed:
        log = RowLog(malformed, first_row)

        def query_of(fifos: Sequence[Path]) -> str:
            return query_of_rows(fifos, width, max_line_bytes, behind=log.accepted)

        streams = queries_of(produce(log), together, scratch.folder, query_of)
        with contextlib.closing(streams) as queries:
            yield queries
    _make_table(scratch, beside)


def query_of_rows(paths: Sequence[Path], width: int, max_line_bytes: int, *, behind: int = 0) -> str:
    """Return the query of the rows in *paths*, behind so many others; files of what :meth:`RowLog.accept` returned."""
    files = ", ".join(literal(str(path)) for path in paths)
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(width))
    cells = ", ".join(f"nullif(c{i}, '') AS c{i}" for i in range(width))
    # DuckDB's own choice of buffer is 16 of the longest lines: too much where a line is a picture.
    buffer_bytes = max(4 << 20, 2 * max_line_bytes) if max_line_bytes > 4 << 20 else 16 * max_line_bytes
    return (
        f"SELECT {behind} + row_number() OVER () AS n, {cells} FROM read_csv([{files}], auto_detect=false, "
        f"header=false, columns={{{columns}}}, delim=',', quote='\"', escape='\"', new_line='\\n', "
        f"strict_mode=true, parallel=false, nullstr=['null', '\x7f'], allow_quoted_nulls=false, "
        f"max_line_size={max_line_bytes}, buffer_size={buffer_bytes})"
    )


def quoted(text: str) -> bytes:
    """Return *text* as a cell of CSV."""
    return b'"' + text.replace('"', '""').encode() + b'"'


def _make_table(scratch: Scratch, beside: Path) -> None:
    columns = "{'row': 'BIGINT', 'rule': 'VARCHAR', 'value': 'VARCHAR', 'rank': 'BIGINT', 'before': 'BIGINT'}"
    scratch.connection.execute(
        f"CREATE OR REPLACE TABLE malformed AS SELECT * FROM read_csv({literal(str(beside))}, "
        f"auto_detect=false, header=false, columns={columns}, delim='\\t', quote='', escape='', "
        "new_line='\\n', parallel=false)"
    )
    beside.unlink()


def _plain(text: str) -> str:
    return _CONTROL.sub(" ", text)[:VALUE_CHARS]
