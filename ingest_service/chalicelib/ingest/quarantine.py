"""Good rows from bad ones: which are bad, by which rule, in which words; and that none has vanished."""

# ruff: noqa: S608 - SQL here is made of our own names; what users wrote passes through engine.literal and identifier.

from collections.abc import Iterable
from pathlib import Path

from chalicelib.ingest.engine import Scratch, literal
from chalicelib.ingest.reasons import rejection
from chalicelib.ingest.staging import Plan, Staged
from chalicelib.ingest.table_schema.rules import unique_groups

from shared.entities.dataset import RowCounts
from shared.entities.pipeline import PipelineDefinition, fraction
from shared.errors import HeadraceError

MAX_VALUE_CHARS = 100


def set_bad_rows_apart(scratch: Scratch, staged: Staged) -> RowCounts:
    """Make the tables ``repeated`` (``n`` of rows that repeat a unique key) and ``rejects`` (every bad row); count.

    ``rejects`` has ``row`` (the number people see), ``col``, ``value`` (at most 100 characters) and ``rule``. A row
    that breaks several rules is told once, by its first.
    """
    _find_repeated(scratch, staged)
    _write_down(scratch, staged)
    by_rule = dict(
        scratch.rows("SELECT rule, count(*) FROM rejects GROUP BY rule ORDER BY count(*) DESC, rule")
    )
    (good,) = scratch.row(f"SELECT count(*) FROM {good_rows(staged)}")
    read, bad = staged.accepted + staged.malformed, sum(by_rule.values())
    # Never assumed: a row that vanished in silence is the worst that an ingest can do.
    if read != good + bad:
        raise HeadraceError(f"{read} rows were read, but {good} are good and {bad} bad: some vanished")
    return RowCounts(read=read, good=good, bad=bad, by_rule=by_rule)


def good_rows(staged: Staged) -> str:
    """Return the good rows as something to select from, once ``repeated`` is made."""
    if not unique_groups(staged.plan.schema):
        return staged.good
    return f"(SELECT * FROM {staged.good} AS good ANTI JOIN repeated ON good.n = repeated.n)"


def check_bad_rows(counts: RowCounts, definition: PipelineDefinition) -> None:
    """Refuse an upload with more bad rows than the pipeline allows.

    Raises
    ------
    InvalidDataset
        ``too_many_bad_rows``, naming the three most frequent rules.
    """
    most = 0.0 if definition.data.on_bad_rows == "reject" else fraction(definition.data.max_bad)
    if counts.bad > most * counts.read:
        worst = ", ".join(f"{name} ({count})" for name, count in list(counts.by_rule.items())[:3])
        allowed = "none" if not most else definition.data.max_bad
        raise rejection(
            "too_many_bad_rows",
            f"{counts.bad} of {counts.read} rows are bad ({allowed} allowed); most often: {worst}.",
        )


def write_rejects(scratch: Scratch) -> Path:
    """Write the bad rows in file order, one JSON object a line, and return the gzip file."""
    path = scratch.folder / "rejects.jsonl.gz"
    query = 'SELECT row, col AS "column", value, rule FROM rejects ORDER BY row'
    scratch.copy(query, path, "FORMAT json, COMPRESSION gzip")
    return path


def _find_repeated(scratch: Scratch, staged: Staged) -> None:
    scratch.run("CREATE OR REPLACE TABLE repeated (n BIGINT, col VARCHAR, value VARCHAR)")
    place = {field.name: f"v{i}" for i, field in enumerate(staged.plan.schema.fields)}
    for group in unique_groups(staged.plan.schema):
        values = ", ".join(place[name] for name in group)
        present = " AND ".join(f"{place[name]} IS NOT NULL" for name in group)
        shown = f"substr(concat_ws(', ', {values}), 1, {MAX_VALUE_CHARS})"
        # The first of equals stays: it is what a reader of the file meets first.
        with scratch.sorting():
            scratch.run(
                f"""INSERT INTO repeated
                SELECT n, {literal(", ".join(group))}, {shown} FROM (
                    SELECT n, {values}, row_number() OVER (PARTITION BY {values} ORDER BY n) AS place
                    FROM {good_rows(staged)} WHERE {present})
                WHERE place > 1"""
            )


def _write_down(scratch: Scratch, staged: Staged) -> None:
    _name_rules(scratch, staged.plan)
    broken = (
        f"SELECT n, broken, substr({_value_of_first(staged.plan)}, 1, {MAX_VALUE_CHARS}) AS value "
        f"FROM {staged.rows} WHERE broken IS NOT NULL"
    )
    bad = f"SELECT n, col, value, name FROM ({broken}) AS broken JOIN rules ON rules.number = broken.broken"
    scratch.run(
        f"""CREATE OR REPLACE TABLE rejects AS
        SELECT row, NULL::VARCHAR AS col, value, rule FROM malformed
        UNION ALL
        SELECT row, col, value, name
        FROM ({_with_row_numbers(f"{bad} UNION ALL SELECT n, col, value, 'not unique' FROM repeated", staged)})"""
    )


def _name_rules(scratch: Scratch, plan: Plan) -> None:
    scratch.run("CREATE OR REPLACE TABLE rules (number INTEGER, name VARCHAR, col VARCHAR)")
    rows = ", ".join(
        f"({number}, {literal(rule.name)}, {literal(rule.column)})" for number, rule in enumerate(plan.rules)
    )
    if rows:
        scratch.run(f"INSERT INTO rules VALUES {rows}")


def _value_of_first(plan: Plan) -> str:
    """Return SQL for the text that broke a row's first rule."""
    place = {field.name: i for i, field in enumerate(plan.schema.fields, start=1)}
    cases = _cases((number, f"raw[{place[rule.column]}]") for number, rule in enumerate(plan.rules))
    return f"CASE broken {cases} END" if plan.rules else "NULL::VARCHAR"


def _cases(cases: Iterable[tuple[int, str]]) -> str:
    return " ".join(f"WHEN {number} THEN {value}" for number, value in cases)


def _with_row_numbers(rows: str, staged: Staged) -> str:
    """Return a query of *rows* (which have ``n``) with their ``row`` in the file: malformed rows count too."""
    return (
        f"SELECT rows.*, rows.n + {staged.first_row - 1} + coalesce(shift.rank, 0) AS row FROM ({rows}) AS rows "
        "ASOF LEFT JOIN (SELECT before, max(rank) AS rank FROM malformed GROUP BY before) AS shift "
        "ON rows.n > shift.before"
    )
