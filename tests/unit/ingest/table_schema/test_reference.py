"""The reference of the schema says what is true."""

import json
import re

import msgspec
import pytest
from chalicelib.ingest.table_schema.declaring import parse_declared
from chalicelib.ingest.table_schema.model import Constraints, Field, TableSchema
from chalicelib.ingest.table_schema.types import MISSING_TOKENS, PLAIN_FORMATS, Type

from tests.clouds import ROOT

PAGE = (ROOT / "docs" / "reference" / "schema.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```json\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_a_schema(example):
    assert parse_declared(json.loads(example)).fields


@pytest.mark.parametrize("kind", [Constraints, Field, TableSchema])
def test_every_key_is_explained(kind):
    told = {word for code in re.findall(r"`([^`\n]+)`", PAGE) for word in re.findall(r"\w+", code)}
    told |= set(re.findall(r'"(\w+)":', PAGE))
    assert {field.encode_name for field in msgspec.structs.fields(kind)} <= told


def test_every_constraint_has_an_example():
    used = {
        key
        for example in EXAMPLES
        for field in json.loads(example)["fields"]
        for key in field.get("constraints", {})
    }
    assert used == {field.encode_name for field in msgspec.structs.fields(Constraints)}


def test_types_formats_and_missing_texts_are_listed():
    codes = {code.strip().lower() for code in re.findall(r"`([^`\n]+)`", PAGE)}
    dates = {pattern.lower() for pattern in PLAIN_FORMATS if "H" not in pattern}
    assert {*MISSING_TOKENS, *dates, *(kind for kind in Type if kind is not Type.BINARY)} <= codes
