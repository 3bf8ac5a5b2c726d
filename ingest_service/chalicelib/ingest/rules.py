"""What every row is held against, as SQL: one rule per place that can be wrong, in column order."""

# ruff: noqa: S608 - SQL here is made of our own names; what users wrote passes through engine.literal and identifier.

from collections.abc import Sequence

import msgspec
from chalicelib.ingest.column_types import Type, is_valid
from chalicelib.ingest.engine import Scratch, literal
from chalicelib.ingest.roles import Roles
from chalicelib.ingest.schema import Field, TableSchema
from chalicelib.ingest.staging import Staged, with_row_numbers

MAX_VALUE_CHARS = 100
_ARTICLES = {Type.INTEGER: "an"}


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule; a row that makes ``broken`` true is bad."""

    name: str
    column: str
    x: str
    broken: str


def rules_of(schema: TableSchema, places: dict[str, str], roles: Roles) -> list[Rule]:
    """Return the rules of *schema*; *places* says which SQL name holds each column's text."""
    return [
        rule
        for field in schema.fields
        for rule in _rules_of_field(field, places[field.name], roles.required.get(field.name))
    ]


def _rules_of_field(field: Field, x: str, role: str | None) -> list[Rule]:
    # Order matters: a row is told by the first rule it breaks.
    rules = []
    if field.constraints.required:
        rules.append((f"{role or 'required'} missing", f"{x} IS NULL"))
    if field.type is not Type.STRING:
        name = f"not {_ARTICLES.get(field.type, 'a')} {field.type}"
        rules.append((name, f"{x} IS NOT NULL AND NOT {is_valid(field.type, x)}"))
    if field.constraints.enum:
        known = ", ".join(literal(value) for value in field.constraints.enum)
        rules.append(("not a known label", f"{x} NOT IN ({known})"))
    return [Rule(name=name, column=field.name, x=x, broken=broken) for name, broken in rules]


def first_broken(rules: Sequence[Rule]) -> str:
    """Return SQL for the number of the first broken rule, NULL for a good row."""
    if not rules:
        return "NULL::INTEGER"
    cases = " ".join(f"WHEN {rule.broken} THEN {number}" for number, rule in enumerate(rules))
    return f"CASE {cases} END"


def trimmed(staged: Staged) -> str:
    """Return a query of the staged rows: ``n`` and, as ``x0``, ``x1``, …, every text trimmed or NULL."""
    columns = ", ".join(f"nullif(trim(c{i}), '') AS x{i}" for i in range(len(staged.layout.columns)))
    return f"SELECT n, {columns} FROM {staged.rows}"


def set_bad_rows_apart(scratch: Scratch, staged: Staged, rules: Sequence[Rule]) -> dict[str, int]:
    """Make the table ``rejects`` of all bad rows, malformed ones included; return how many broke each rule.

    A row that breaks several rules is told once, by its first. ``value`` is cut after 100 characters.
    """
    values = " ".join(f"WHEN {number} THEN {rule.x}" for number, rule in enumerate(rules))
    value = f"CASE broken {values} END" if rules else "NULL::VARCHAR"
    scratch.connection.execute("CREATE TABLE rules (number INTEGER, name VARCHAR, col VARCHAR)")
    if rules:
        entries = [(number, rule.name, rule.column) for number, rule in enumerate(rules)]
        scratch.connection.executemany("INSERT INTO rules VALUES (?, ?, ?)", entries)
    bad = (
        f"SELECT n, broken, substr({value}, 1, {MAX_VALUE_CHARS}) AS value "
        f"FROM (SELECT *, {first_broken(rules)} AS broken FROM ({trimmed(staged)})) WHERE broken IS NOT NULL"
    )
    scratch.connection.execute(
        f"""CREATE TABLE rejects AS
        SELECT row, NULL::VARCHAR AS col, value, rule FROM malformed
        UNION ALL
        SELECT bad.row, rules.col, bad.value, rules.name
        FROM ({with_row_numbers(bad)}) AS bad JOIN rules ON rules.number = bad.broken"""
    )
    query = "SELECT rule, count(*) FROM rejects GROUP BY rule ORDER BY count(*) DESC, rule"
    return dict(scratch.rows(query))
