"""A text is of a type exactly when reading it loses nothing."""

import datetime as dt
import re
from decimal import Decimal

import pytest
from chalicelib.ingest.table_schema.kinds import (
    is_valid,
    kind_of,
    label_of,
    looks_typed,
    may_be_typed,
    text_of,
    value_of,
)
from chalicelib.ingest.table_schema.model import Field
from chalicelib.ingest.table_schema.types import Type
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

at = dt.datetime.fromisoformat
fast = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])

KINDS = {
    "1": "integer",
    "-0": "integer",
    "0012": "identifier",
    "-007": "identifier",
    "1234567890123456789": "identifier",
    "5.": "number",
    ".5": "number",
    "1e5": "number",
    "1e38": "number",
    "2e38": "string",
    "1e999": "string",
    "9" * 39 + ".5": "string",
    "nan": "string",
    "inf": "string",
    "+5": "string",
    "1_000": "string",
    "0x10": "string",
    "\uff11\uff12": "string",
    "1,5": "number:,",
    "-0,125": "number:,",
    "1,500": "number:, or group",
    "1,5,0": "string",
    "TRUE": "boolean",
    "yes": "string",
    "2026-01-31": "date",
    "2026-02-30": "string",
    "0999-01-01": "string",
    "2026-01-31T10:00": "datetime",
    "2026-01-31 10:00:00.5+02:00": "datetime",
    "2026-01-31T24:00": "string",
    "2026-01-31T10:00+99:00": "string",
    "31.1.2026": "date:%d.%m.%Y",
    "31.01.2026 10:00": "datetime:%d.%m.%Y %H:%M",
    "2026/01/31": "date:%Y/%m/%d",
    "20260131": "integer",
    "31/01/2026": "date:%d/%m/%Y",
    "01/31/2026": "date:%m/%d/%Y",
    "03/04/2026": "date:%d/%m/%Y|%m/%d/%Y",
    "01/31/2026 10:00:59": "datetime:%m/%d/%Y %H:%M:%S",
    "31/31/2026": "string",
    "NA": "missing:NA",
    "#n/a": "missing:#n/a",
    "-": "missing:-",
    "?": "missing:?",
    "Nairobi": "string",
}


@pytest.mark.parametrize(("text", "kind"), KINDS.items())
def test_a_text_has_one_kind(ask, text, kind):
    assert ask(kind_of("x"), text) == kind


@pytest.mark.parametrize("text", [text for text, kind in KINDS.items() if kind != "string"])
def test_the_cheap_look_misses_no_typed_text(ask, text):
    assert ask(may_be_typed("x"), text) is True


def test_no_value_is_missing(ask):
    assert ask(kind_of("x"), None) == "missing"


@pytest.mark.parametrize("text", ["0012", "1234567890123456789", "-007"])
def test_a_number_refuses_what_may_be_an_identifier(ask, text):
    assert ask(is_valid(Field(name="", type=Type.NUMBER), "x"), text) is False


@fast
@given(value=st.integers(-(10**18) + 1, 10**18 - 1))
def test_an_integer_round_trips(ask, value):
    assert ask(value_of(Field(name="", type=Type.INTEGER), "x"), str(value)) == value


@fast
@given(value=st.floats(-1e38, 1e38, allow_nan=False))
def test_a_float_round_trips_to_the_last_bit(ask, value):
    assert ask(value_of(Field(name="", type=Type.NUMBER), "x"), repr(value)) == value


@fast
@given(value=st.decimals(-(10**12), 10**12, places=4))
def test_a_decimal_is_the_nearest_float(ask, value):
    assert ask(value_of(Field(name="", type=Type.NUMBER), "x"), f"{value:f}") == float(value)


@fast
@given(
    value=st.datetimes(at("1000-01-02"), at("2999-12-30")),
    minutes=st.integers(-14 * 60, 14 * 60),
)
def test_an_instant_becomes_utc(ask, value, minutes):
    text = value.replace(tzinfo=dt.timezone(dt.timedelta(minutes=minutes))).isoformat()
    expected = value - dt.timedelta(minutes=minutes)
    assert ask(value_of(Field(name="", type=Type.DATETIME), "x"), text) == expected


@fast
@given(
    value=st.datetimes(at("1000-01-01"), at("2999-12-31")),
    pattern=st.sampled_from(["%d.%m.%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%Y%m%d%H%M%S", "%d %b %Y %H:%M:%S"]),
)
def test_a_time_in_a_declared_format_round_trips(ask, value, pattern):
    value = value.replace(microsecond=0)
    field = Field(name="", type=Type.DATETIME, format=pattern)
    assert ask(value_of(field, "x"), value.strftime(pattern)) == value


@fast
@given(text=st.text(max_size=12) | st.from_regex(r"[-+]?[0-9._eE/:T]{1,12}", fullmatch=True))
def test_no_text_is_taken_for_another_number_than_python_reads(ask, text):
    text = text.replace("\x00", "").encode("utf-8", "replace").decode()
    found = ask(value_of(Field(name="", type=Type.NUMBER), "x"), text)
    if found is not None:
        assert re.fullmatch("[-0-9.eE+]+", text)
        assert found == float(Decimal(text))


DECLARED = [
    (Field(name="", type=Type.NUMBER, decimal_char=",", group_char="."), "1.234,5", 1234.5),
    (Field(name="", type=Type.NUMBER, decimal_char=",", group_char="."), "12.34", None),
    (Field(name="", type=Type.NUMBER, decimal_char=","), "1,5", 1.5),
    (Field(name="", type=Type.NUMBER, decimal_char=","), "1.5", None),
    (Field(name="", type=Type.INTEGER, group_char=","), "1,234,567", 1234567),
    (Field(name="", type=Type.INTEGER, group_char=","), "1,23", None),
    (Field(name="", type=Type.BOOLEAN, true_values=("Y",), false_values=("N",)), "N", False),
    (Field(name="", type=Type.BOOLEAN, true_values=("Y",), false_values=("N",)), "true", None),
    (Field(name="", type=Type.DATETIME, format="%s"), "1767225600", at("2026-01-01")),
    (
        Field(name="", type=Type.DATETIME, format="%Q"),
        "1767225600500",
        at("2026-01-01T00:00:00.5"),
    ),
    (Field(name="", type=Type.DATE, format="%Y%m%d"), "20260131", dt.date(2026, 1, 31)),
    (Field(name="", type=Type.DATE, format="%Y%m%d"), "2026013", None),
    (Field(name="", type=Type.BINARY), "aGk=", b"hi"),
    (Field(name="", type=Type.BINARY), "%%%", None),
]


@pytest.mark.parametrize(("field", "text", "value"), DECLARED)
def test_a_declared_form_is_read_and_no_other(ask, field, text, value):
    assert ask(value_of(field, "x"), text) == value
    assert ask(is_valid(field, "x"), text) is (value is not None)


@pytest.mark.parametrize("text", ["1", "1.5", "true", "2026-01-31", "2026-01-31T10:00", "31.01.2026"])
def test_a_valid_cell_counts_as_the_label_of_its_field(ask, text):
    kind, _, pattern = ask(kind_of("x"), text).partition(":")
    field = Field(name="", type=Type(kind), format=pattern or "default")
    assert ask(is_valid(field, "x"), text) is True
    assert label_of(field) == ask(kind_of("x"), text)


@pytest.mark.parametrize(("cell", "text"), [(" NA ", None), ("  ", None), (" x ", "x"), ("na", "na")])
def test_missing_values_are_no_text(ask, cell, text):
    assert ask(text_of(("NA", "o'no"), "x"), cell) == text


@pytest.mark.parametrize(
    "text",
    ["1", "-", "-1", ".5", ":", "9", "A", "true", "FALSE", "N/a", "trues", "~", "é", "\u0660", ",", "/"],
)
def test_python_and_sql_agree_on_what_may_be_typed(ask, text):
    assert ask(may_be_typed("x"), text) is looks_typed(text)
