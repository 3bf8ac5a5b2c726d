"""A declared schema is read strictly: every problem at once, each with its place."""

import contextlib

import msgspec
import pytest
from chalicelib.ingest.roles import Roles
from chalicelib.ingest.table_schema.declaring import parse_declared
from chalicelib.ingest.table_schema.kinds import value_of
from chalicelib.ingest.table_schema.rules import rules_of
from chalicelib.ingest.table_schema.types import Type
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import InvalidBody


def problems(document, at=""):
    with pytest.raises(InvalidBody) as caught:
        parse_declared(document, at)
    return {error.pointer: error.detail for error in caught.value.errors}


def of_field(**field):
    return problems({"fields": [{"name": "a", **field}]})


def test_a_whole_schema_is_read_and_written_back():
    document = {
        "fields": [
            {"name": "id", "type": "integer", "constraints": {"unique": True, "minimum": 1}},
            {"name": "carrier", "type": "string", "constraints": {"pattern": "[A-Z]{2}", "maxLength": 2}},
            {
                "name": "price",
                "type": "number",
                "decimalChar": ",",
                "groupChar": ".",
                "missingValues": ["n/a"],
            },
            {"name": "paid", "type": "boolean", "trueValues": ["Y"], "falseValues": ["N"]},
            {"name": "day", "type": "date", "format": "%d.%m.%Y", "constraints": {"minimum": "2026-01-01"}},
        ],
        "missingValues": ["", "NA"],
        "primaryKey": "id",
        "foreignKeys": [{"fields": "carrier", "reference": {"resource": "carriers"}}],
        "lists": {"carriers": ["AA", "UA"]},
    }
    schema = parse_declared(document)
    assert schema.primary_key == ("id",)
    assert schema.foreign_keys[0].fields == ("carrier",)
    assert schema.types["day"] is Type.DATE
    assert schema.missing_texts("price") == ("NA", "n/a")
    assert parse_declared(schema.plain()) == schema
    assert msgspec.convert(schema.plain(), type(schema)) == schema


WRONG = [
    ({"type": "int"}, "/fields/0/type", "did you mean 'integer'"),
    ({"type": "string", "constrains": {}}, "/fields/0/constrains", "did you mean 'constraints'"),
    ({"type": "string", "constraints": {"maxlength": 1}}, "/fields/0/constraints/maxlength", "'maxLength'"),
    ({"type": "integer", "constraints": {"enum": [1, "b"]}}, "/fields/0/constraints/enum/1", "'b' is not"),
    ({"type": "integer", "constraints": {"enum": [True]}}, "/fields/0/constraints/enum/0", "True is not"),
    ({"type": "integer", "constraints": {"enum": []}}, "/fields/0/constraints/enum", "1 to 10000"),
    (
        {"type": "number", "constraints": {"minimum": 2, "maximum": 1}},
        "/fields/0/constraints/minimum",
        "more than",
    ),
    ({"type": "date", "constraints": {"minimum": "1.1.2026"}}, "/fields/0/constraints/minimum", "2026-01-31"),
    (
        {"type": "string", "constraints": {"minimum": "a"}},
        "/fields/0/constraints/minimum",
        "numbers and times",
    ),
    ({"type": "integer", "constraints": {"pattern": "a"}}, "/fields/0/constraints/pattern", "'string'"),
    ({"type": "string", "constraints": {"pattern": "("}}, "/fields/0/constraints/pattern", "no regular"),
    ({"type": "string", "constraints": {"pattern": "(?=a)"}}, "/fields/0/constraints/pattern", "RE2"),
    ({"type": "string", "constraints": {"pattern": r"(a)\1"}}, "/fields/0/constraints/pattern", "RE2"),
    ({"type": "string", "constraints": {"pattern": "a{2000}"}}, "/fields/0/constraints/pattern", "1000"),
    (
        {"type": "string", "constraints": {"minLength": 3, "maxLength": 2}},
        "/fields/0/constraints/minLength",
        "more",
    ),
    ({"type": "string", "constraints": {"required": "yes"}}, "", "bool"),
    ({"type": "date", "format": "%d.%m"}, "/fields/0/format", "year, month and day"),
    ({"type": "date", "format": "any"}, "/fields/0/format", "'any'"),
    ({"type": "date", "format": "%d.%m.%Y %H"}, "/fields/0/format", "'datetime'"),
    ({"type": "string", "format": "email"}, "/fields/0/format", "no format"),
    ({"type": "integer", "decimalChar": ","}, "/fields/0/decimalChar", "'number'"),
    ({"type": "number", "groupChar": "."}, "/fields/0/groupChar", "decimalChar too"),
    ({"type": "boolean", "trueValues": ["Y"]}, "/fields/0/trueValues", "both"),
]


@pytest.mark.parametrize(("field", "pointer", "words"), WRONG)
def test_a_wrong_field_is_told_at_its_place(field, pointer, words):
    found = of_field(**field)
    assert list(found) == [pointer]
    assert words in found[pointer]


SCHEMAS = [
    ([], ""),
    ({}, "/fields"),
    ({"fields": [{"name": str(i), "type": "string"} for i in range(1001)]}, "/fields"),
    ({"fields": [{"name": "a", "type": "string"}, {"name": "A", "type": "string"}]}, "/fields/1/name"),
    ({"fields": [{"name": "a", "type": "string"}], "primaryKey": "b"}, "/primaryKey/0"),
    (
        {
            "fields": [{"name": "a", "type": "string"}],
            "foreignKeys": [{"fields": "a", "reference": {"resource": "l"}}],
        },
        "/foreignKeys/0/reference/resource",
    ),
    (
        {
            "fields": [{"name": "a", "type": "integer"}],
            "foreignKeys": [{"fields": "a", "reference": {"resource": "l"}}],
            "lists": {"l": ["x"]},
        },
        "/lists/l/0",
    ),
]


@pytest.mark.parametrize(("document", "pointer"), SCHEMAS)
def test_a_wrong_schema_is_told_at_its_place(document, pointer):
    assert list(problems(document)) == [pointer]


def test_all_problems_are_told_at_once_below_the_place_of_the_schema():
    found = problems({"fields": [{"name": "a", "type": "x"}, {"type": "string"}], "list": {}}, "/data/schema")
    assert set(found) == {"/data/schema/list", "/data/schema/fields/0/type", "/data/schema/fields/1/name"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
KEYS = [
    "format",
    "constraints",
    "missingValues",
    "trueValues",
    "decimalChar",
    "groupChar",
    "categories",
    "note",
]
LIMITS = ["required", "enum", "minimum", "maximum", "pattern", "minLength"]


@settings(max_examples=200)
@given(
    field=st.dictionaries(st.sampled_from(KEYS), JSON, max_size=2),
    limits=st.dictionaries(st.sampled_from(LIMITS), JSON, max_size=2),
    kind=st.sampled_from([kind.value for kind in Type]) | JSON,
    rest=st.dictionaries(
        st.sampled_from(["primaryKey", "foreignKeys", "lists", "missingValues"]), JSON, max_size=2
    ),
)
def test_whatever_is_declared_is_read_or_refused(ask, field, limits, kind, rest):
    document = {"fields": [{"constraints": limits, **field, "name": "a", "type": kind}], **rest}
    with contextlib.suppress(InvalidBody):
        schema = parse_declared(document)
        rules = rules_of(schema, {"a": "x"}, {"a": value_of(schema.fields[0], "x")}, Roles())
        assert all(ask(rule.broken, "1") in {True, False, None} for rule in rules)
