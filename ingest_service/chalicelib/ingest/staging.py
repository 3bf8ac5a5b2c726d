"""Read a feed's rows, as texts, into one Parquet file; rows of a wrong shape are set apart."""

# ruff: noqa: S608 - SQL here is made of our own names; what users wrote passes through engine.literal and identifier.

import secrets
from pathlib import Path

import msgspec
from chalicelib.ingest.engine import Scratch, literal, table
from chalicelib.ingest.feed import Feed, pouring
from chalicelib.ingest.layout import Layout
from chalicelib.ingest.reasons import rejection

MAX_LINE_BYTES = 1_000_000
HEADER_ROWS = 1  # rows are numbered as a spreadsheet shows them: the header is row 1
# DuckDB's names of errors in our words; what is not listed is "not a readable line".
_RULES = {
    "MISSING COLUMNS": "wrong number of cells",
    "TOO MANY COLUMNS": "wrong number of cells",
    "UNQUOTED VALUE": "text after a closing quote",
    "LINE SIZE OVER MAXIMUM": f"longer than {MAX_LINE_BYTES:,} bytes",
}


class Staged(msgspec.Struct, frozen=True, kw_only=True):
    """The rows as texts: ``path`` has ``n`` (1, 2, …) and ``c0``, ``c1``, … in the file's column order.

    ``malformed`` rows have no cells; they are in the table ``malformed`` with their number and rule.
    """

    path: Path
    layout: Layout
    accepted: int
    malformed: int

    @property
    def rows(self) -> str:
        """The accepted rows as something to select from, without our own last line."""
        return f"(SELECT * FROM {table(self.path)} WHERE n <= {self.accepted})"


def stage(scratch: Scratch, feed: Feed, layout: Layout) -> Staged:
    """Drain *feed* into a Parquet file of texts.

    Raises
    ------
    InvalidDataset
        ``no_rows``, ``unterminated_quote``, or what the feed found.
    """
    # The mark is random, so that no file can hold it.
    path, fifo = scratch.folder / "staged.parquet", scratch.folder / "rows.fifo"
    mark = f"end-{secrets.token_hex(16)}"
    last_line = (mark + layout.delimiter * (len(layout.columns) - 1) + "\n").encode()
    with pouring(feed, fifo, layout.rows_at, last_line):
        scratch.copy(f"SELECT row_number() OVER () AS n, * FROM {_reader(fifo, layout)}", path)
    _number_malformed(scratch)
    accepted = _rows_before_mark(scratch, path, mark)
    ((malformed,),) = scratch.rows("SELECT count(*) FROM malformed")
    if accepted + malformed == 0:
        raise rejection("no_rows", f"The file has {len(layout.columns)} column names and no row.")
    return Staged(path=path, layout=layout, accepted=accepted, malformed=malformed)


def with_row_numbers(rows: str) -> str:
    """Return a query of *rows* (which have ``n``) with their ``row`` in the file: malformed rows count too."""
    return (
        f"SELECT rows.*, rows.n + {HEADER_ROWS} + coalesce(shift.rank, 0) AS row FROM ({rows}) AS rows "
        "ASOF LEFT JOIN (SELECT before, max(rank) AS rank FROM malformed GROUP BY before) AS shift "
        "ON rows.n > shift.before"
    )


def _reader(fifo: Path, layout: Layout) -> str:
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(layout.columns)))
    return (
        f"read_csv({literal(str(fifo))}, auto_detect=false, header=false, columns={{{columns}}}, "
        f"delim={literal(layout.delimiter)}, quote='\"', escape='\"', new_line='\\n', strict_mode=true, "
        f"parallel=false, store_rejects=true, rejects_limit=0, max_line_size={MAX_LINE_BYTES})"
    )


def _number_malformed(scratch: Scratch) -> None:
    """Make the table ``malformed``: one entry per line, however many errors DuckDB noted for it.

    ``rank`` is 1, 2, … in file order and ``before`` the number of accepted rows ahead of the line.
    """
    rules = " ".join(f"WHEN {literal(kind)} THEN {literal(rule)}" for kind, rule in _RULES.items())
    scratch.connection.execute(
        f"""CREATE TABLE malformed AS
        SELECT line + {HEADER_ROWS} AS row, rule, value, rank, line - rank AS before FROM (
            SELECT line, row_number() OVER (ORDER BY line) AS rank,
                   min(CASE error_type::VARCHAR {rules} ELSE 'not a readable line' END) AS rule,
                   any_value(substr(csv_line, 1, 100)) AS value
            FROM reject_errors GROUP BY line)"""
    )


def _rows_before_mark(scratch: Scratch, path: Path, mark: str) -> int:
    """Return the number of rows that came before our own last line."""
    query = f"SELECT max(n), max(n) FILTER (c0 = {literal(mark)}) FROM {table(path)}"
    total, marked = scratch.row(query)
    if marked is None:
        rows = (total or 0) + scratch.row("SELECT count(*) FROM malformed")[0]
        raise rejection(
            "unterminated_quote",
            f'After row {rows + HEADER_ROWS} a value begins with a quote (") that never closes.',
        )
    return int(marked) - 1
