"""Gather the rows that DuckDB sets apart, statement by statement, and give them their numbers in the file."""

# ruff: noqa: S608 - SQL here is made of our own names; what users wrote passes through engine.literal.

from chalicelib.ingest.engine import Scratch, literal
from chalicelib.ingest.formats.delimited_lines import MAX_LINE_BYTES

HEADER_ROWS = 1  # rows are numbered as a spreadsheet shows them: the header is row 1
_COLUMNS = "row BIGINT, rule VARCHAR, value VARCHAR, rank BIGINT, before BIGINT"
# DuckDB's names of errors in our words; what is not listed is "not a readable line".
_RULES = {
    "MISSING COLUMNS": "wrong number of cells",
    "TOO MANY COLUMNS": "wrong number of cells",
    "UNQUOTED VALUE": "text after a closing quote",
    "LINE SIZE OVER MAXIMUM": f"longer than {MAX_LINE_BYTES:,} bytes",
}


class Malformed:
    """Makes the table ``malformed``: one entry per line, however many errors DuckDB noted for it.

    ``rank`` is 1, 2, … in file order and ``before`` the number of accepted rows ahead of the line. DuckDB numbers lines
    by file; the *mark* behind each file tells how many it has. ``marks`` is how many it has told of, ``accepted`` how
    many rows it has not set apart, of all that were gathered.
    """

    def __init__(self, scratch: Scratch, mark: str, end_cell: str) -> None:
        self._scratch = scratch
        self._mark = literal(mark)
        # A last cell of our own is not what the user wrote.
        self._line = f"replace(csv_line, {literal(end_cell)}, '')" if end_cell else "csv_line"
        self._lines = 0
        self.count = 0
        self.marks = 0
        scratch.run(f"CREATE OR REPLACE TABLE malformed ({_COLUMNS})")

    @property
    def accepted(self) -> int:
        """The rows so far that have cells."""
        return self._lines - self.count

    def gather(self) -> None:
        """Take over what the statement that just ended has set apart."""
        rules = " ".join(f"WHEN {literal(kind)} THEN {literal(rule)}" for kind, rule in _RULES.items())
        self._scratch.run(
            f"""INSERT INTO malformed
            WITH marks AS (
                SELECT file_id + 1 AS file_id, sum(any_value(line) - 1) OVER (ORDER BY file_id) AS passed
                FROM reject_errors WHERE csv_line = {self._mark} GROUP BY file_id
            ), lines AS (
                SELECT file_id, line, any_value(substr({self._line}, 1, 100)) AS value,
                       min(CASE error_type::VARCHAR {rules} ELSE 'not a readable line' END) AS rule
                FROM reject_errors WHERE csv_line != {self._mark} GROUP BY file_id, line
            ), numbered AS (
                SELECT line + coalesce(passed, 0) + {self._lines} AS line, rule, value,
                       row_number() OVER (ORDER BY file_id, line) + {self.count} AS rank
                FROM lines LEFT JOIN marks USING (file_id)
            )
            SELECT line + {HEADER_ROWS}, rule, value, rank, line - rank FROM numbered"""
        )
        self.count, marks, lines = self._scratch.row(
            f"""SELECT (SELECT count(*) FROM malformed), count(*), coalesce(sum(line - 1)::BIGINT, 0) FROM (
            SELECT any_value(line) AS line FROM reject_errors WHERE csv_line = {self._mark} GROUP BY file_id)"""
        )
        self.marks += marks
        self._lines += lines
        # Of the next statement DuckDB would note its errors behind these.
        self._scratch.run("DROP TABLE reject_errors; DROP TABLE reject_scans")
