"""A type is inferred from all cells, and what stays undecided is text with the reason beside it."""

import pytest
from chalicelib.ingest.table_schema.inference import infer_field, infer_type
from chalicelib.ingest.table_schema.types import Type

BOTH = "date:%d/%m/%Y|%m/%d/%Y"
INFERRED = [
    ({"integer": 9, "missing": 100}, ("integer", "default")),
    ({"integer": 9, "number": 1}, ("number", "default")),
    ({"integer": 99, "string": 1}, ("integer", "default")),
    ({"integer": 98, "string": 2}, ("string", "default")),
    ({"integer": 99, "identifier": 1}, ("string", "default")),
    ({"date": 5, "datetime": 1}, ("datetime", "default")),
    ({"date:%d.%m.%Y": 5}, ("date", "%d.%m.%Y")),
    ({"datetime:%Y/%m/%d %H:%M": 5}, ("datetime", "%Y/%m/%d %H:%M")),
    ({BOTH: 9, "date:%d/%m/%Y": 1}, ("date", "%d/%m/%Y")),
    ({BOTH: 9, "date:%m/%d/%Y": 1}, ("date", "%m/%d/%Y")),
    ({BOTH: 9}, ("string", "default")),
    ({BOTH: 900, "date:%m/%d/%Y": 99, "date:%d/%m/%Y": 1}, ("string", "default")),
    ({BOTH: 900, "date:%m/%d/%Y": 1, "date:%d/%m/%Y": 99}, ("string", "default")),
    ({"missing": 5, "missing:NA": 5}, ("string", "default")),
    ({}, ("string", "default")),
]


@pytest.mark.parametrize(("counts", "verdict"), INFERRED)
def test_all_cells_decide(counts, verdict):
    assert infer_type(counts, 0.01) == verdict


def test_texts_for_no_value_are_missing_values_of_a_number_and_visible():
    assert infer_field("a", {"number": 9, "missing:NA": 5, "missing:-": 1}, 0.0).missing_values == ("-", "NA")


def test_texts_for_no_value_stay_texts_in_a_string():
    field = infer_field("a", {"string": 9, "missing:NA": 5}, 0.0)
    assert (field.type, field.missing_values) == (Type.STRING, ())


@pytest.mark.parametrize("counts", [{BOTH: 9}, {"date:%d/%m/%Y": 1, "date:%m/%d/%Y": 1}])
def test_undecided_dates_say_why_and_what_to_do(counts):
    field = infer_field("a", counts, 0.0)
    assert field.type is Type.STRING
    assert "Declare format '%d/%m/%Y' or '%m/%d/%Y' in schema.json." in field.note


@pytest.mark.parametrize(
    ("counts", "is_id"), [({"identifier": 1, "integer": 5}, True), ({"identifier": 1, "string": 1}, False)]
)
def test_numbers_that_cannot_be_reckoned_with_are_identifiers(counts, is_id):
    assert infer_field("a", counts, 0.0).identifier is is_id


def test_what_the_file_states_holds_but_its_texts_may_be_dates():
    assert infer_field("a", {"integer": 9}, 0.0, "string").type is Type.STRING
    assert infer_field("a", {"date": 9}, 0.0, "string").type is Type.DATE
    assert infer_field("a", {"integer": 9}, 0.0, "number").type is Type.NUMBER


COMMAS = [
    ({"number:,": 9, "integer": 5}, ("number", ",")),
    ({"number:,": 1, "number:, or group": 9}, ("number", ",")),
    ({"number:, or group": 9, "integer": 5}, ("string", ".")),
    ({"number:,": 5, "number": 5}, ("string", ".")),
    ({"number": 500, "number:,": 1}, ("number", ".")),
]


@pytest.mark.parametrize(("counts", "verdict"), COMMAS)
def test_a_decimal_comma_is_inferred_only_where_it_cannot_part_thousands(counts, verdict):
    field = infer_field("a", counts, 0.01, decimal_comma=True)
    assert (field.type, field.decimal_char) == verdict


def test_a_decimal_comma_is_text_where_commas_part_cells():
    assert infer_field("a", {"number:,": 9}, 0.01).type is Type.STRING
