"""Every constraint is a rule of a row, told in the words of the schema."""

import pytest
from chalicelib.ingest.roles import Roles
from chalicelib.ingest.table_schema.kinds import value_of
from chalicelib.ingest.table_schema.model import (
    Constraints,
    Field,
    ForeignKey,
    Reference,
    TableSchema,
)
from chalicelib.ingest.table_schema.rules import rules_of, unique_groups
from chalicelib.ingest.table_schema.types import Type

ROLES = Roles(target="t", label="t")


def broken_by(ask, schema, x, roles=ROLES):
    """Return the name of the first rule that the text *x* in the only column breaks."""
    (field,) = schema.fields
    rules = rules_of(schema, {field.name: "x"}, {field.name: value_of(field, "x")}, roles)
    cases = " ".join(f"WHEN {rule.broken} THEN {place}" for place, rule in enumerate(rules))
    place = ask(f"CASE {cases} END", x) if rules else None
    return None if place is None else rules[place].name


CASES = [
    (Type.STRING, {"required": True}, None, "required missing"),
    (Type.INTEGER, {}, "x", "not an integer"),
    (Type.NUMBER, {"minimum": 0}, "-0.5", "below minimum 0"),
    (Type.NUMBER, {"minimum": 0}, "0", None),
    (Type.INTEGER, {"maximum": 10}, "11", "above maximum 10"),
    (Type.DATE, {"minimum": "2026-01-01"}, "2025-12-31", "below minimum 2026-01-01"),
    (
        Type.DATETIME,
        {"maximum": "2026-01-01T12:00:00+02:00"},
        "2026-01-01T10:00:01Z",
        "above maximum 2026-01-01T12:00:00+02:00",
    ),
    (Type.STRING, {"enum": ("a", "it's", "c")}, "b", "not one of 3 allowed values"),
    (Type.STRING, {"enum": ("a", "it's", "c")}, "it's", None),
    (Type.NUMBER, {"enum": (1, 2.5)}, "2.50", None),
    (Type.NUMBER, {"enum": (1, 2.5)}, "3", "not one of 2 allowed values"),
    (Type.BOOLEAN, {"enum": (True,)}, "false", "not one of 1 allowed values"),
    (Type.STRING, {"pattern": "[A-Z]{2}"}, "AAA", "does not match the pattern [A-Z]{2}"),
    (Type.STRING, {"min_length": 2}, "é", "shorter than 2 characters"),
    (Type.STRING, {"max_length": 2}, "ééé", "longer than 2 characters"),
    (Type.STRING, {"max_length": 2, "pattern": "a", "enum": ("a",)}, None, None),
]


@pytest.mark.parametrize(("kind", "constraints", "x", "rule"), CASES)
def test_a_constraint_is_a_rule_in_plain_words(ask, kind, constraints, x, rule):
    field = Field(name="a", type=kind, constraints=Constraints(**constraints))
    assert broken_by(ask, TableSchema(fields=(field,)), x) == rule


def test_bounds_are_iso_whatever_the_format_of_the_cells(ask):
    field = Field(name="a", type=Type.DATE, format="%d.%m.%Y", constraints=Constraints(minimum="2026-01-01"))
    schema = TableSchema(fields=(field,))
    assert broken_by(ask, schema, "31.12.2025") == "below minimum 2026-01-01"
    assert broken_by(ask, schema, "01.01.2026") is None
    assert broken_by(ask, schema, "2026-01-01") == "not a date of the format %d.%m.%Y"


def test_the_target_and_roles_are_told_as_such(ask):
    field = Field(name="t", type=Type.STRING, constraints=Constraints(required=True, enum=("no", "yes")))
    schema = TableSchema(fields=(field,))
    assert broken_by(ask, schema, "noo") == "not a known label"
    assert broken_by(ask, schema, None) == "target missing"


@pytest.mark.parametrize(
    ("x", "rule"), [("c9999", None), ("c10000", "not in the list 'carriers'"), (None, None)]
)
def test_a_foreign_key_is_a_list_of_up_to_ten_thousand_values(ask, x, rule):
    schema = TableSchema(
        fields=(Field(name="a", type=Type.STRING),),
        foreign_keys=(ForeignKey(fields=("a",), reference=Reference(resource="carriers")),),
        lists={"carriers": tuple(f"c{number}" for number in range(10_000))},
    )
    assert broken_by(ask, schema, x) == rule


def test_unique_columns_and_the_primary_key_are_checked_together():
    fields = (
        Field(name="a", type=Type.STRING, constraints=Constraints(unique=True)),
        Field(name="b", type=Type.DATE),
    )
    assert unique_groups(TableSchema(fields=fields, primary_key=("a", "b"))) == [("a", "b"), ("a",)]
