"""Untrusted JSON: every complaint names the place, and a near miss its likely meaning."""

from typing import Any

import msgspec
import pytest

from shared.entities.pipeline import PipelineDefinition, fraction, group_column, seconds, task_of
from shared.entities.releasing import Realtime, Serverless, endpoint_of
from shared.errors import InvalidBody
from shared.parsing import convert, decode, unreadable

KIND: Any = PipelineDefinition
MINIMAL = {"name": "flights", "task": "classification", "target": "late"}


def test_three_keys_make_a_pipeline() -> None:
    definition = convert(MINIMAL, KIND)
    assert (task_of(definition), definition.data.max_bad, definition.split.test) == (
        "classification",
        "1%",
        "20%",
    )


@pytest.mark.parametrize(
    ("change", "pointer", "words"),
    [
        ({"dta": {}}, "", "did you mean `data`"),
        ({"data": {"tme": "x"}}, "/data", "did you mean `time`"),
        ({"task": "astrology"}, "/task", "astrology"),
        ({"name": "Flights!"}, "/name", "matching regex"),
        ({"split": {"test": "a lot"}}, "/split/test", "matching regex"),
        ({"model": {"preset": 3}}, "/model/preset", "Expected"),
        ({"release": {"endpoint": {"kind": "realtime", "count": 9}}}, "/release/endpoint/count", "<= 3"),
    ],
)
def test_a_wrong_definition_names_the_place(change: dict[str, Any], pointer: str, words: str) -> None:
    with pytest.raises(InvalidBody, match=words) as caught:
        convert(MINIMAL | change, KIND)
    assert caught.value.errors[0].pointer == pointer


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[" * 100_000, b'{"a": NaN}', b"\xff\xfe", b'{"a":1} x', b'{"a":"\xed\xa0\x80"}']
)
def test_a_body_that_is_not_json_is_an_invalid_body_whatever_it_is(body: bytes) -> None:
    with pytest.raises(InvalidBody):
        decode(body, dict[str, Any])


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        (b'[{"records":[1, {"hour":1e999}]}]', "/0", "Number out of range"),
        (b"[1, [2, -1e999]]", "/1/1", "Number out of range"),
        (b'{"a":', "", "is not JSON"),
        (b"", "", "missing"),
    ],
)
def test_what_no_type_can_hold_is_told_by_the_nearest_place_that_has_a_name(
    body: bytes, pointer: str, words: str
) -> None:
    with pytest.raises(InvalidBody) as caught:
        decode(body, Any)
    (error,) = caught.value.errors
    assert error.pointer == pointer
    assert words in error.detail


def test_a_part_of_a_body_is_told_by_its_place_in_the_whole() -> None:
    with pytest.raises(msgspec.DecodeError) as caught:
        msgspec.json.decode(b'[{"hour":1}, {"hour":1e999}]')
    assert unreadable(caught.value, "/records").errors[0].pointer == "/records/1"


def test_deep_nesting_is_refused_not_crashed() -> None:
    body = b'{"a":' * 50_000 + b"1" + b"}" * 50_000
    with pytest.raises(InvalidBody, match="nested deeper"):
        decode(body, dict[str, Any])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, Serverless()),
        ({"endpoint": "realtime"}, Realtime()),
        ({"endpoint": {"kind": "serverless", "memory_mb": 4096}}, Serverless(memory_mb=4096)),
    ],
)
def test_an_endpoint_is_a_word_or_its_options(options: dict[str, Any], expected: object) -> None:
    assert endpoint_of(convert(MINIMAL | {"release": options}, KIND).release) == expected


def test_units_are_read_as_written() -> None:
    assert (fraction("12.5%"), seconds("10m"), seconds("2d")) == (0.125, 600, 172_800)
    assert (group_column("group(tail number)"), group_column("hash")) == ("tail number", None)


@pytest.mark.parametrize(("depth", "fits"), [(32, True), (33, False), (5_000, False)])
def test_what_may_hold_anything_may_not_be_deeper_than_the_limit(depth: int, fits: bool) -> None:
    body = b'{"a":' + b"[" * (depth - 1) + b'"[[[{{{\\"["' + b"]" * (depth - 1) + b"}"
    if fits:
        decode(body, dict[str, Any])
        return
    with pytest.raises(InvalidBody, match="deeper than 32"):
        decode(body, dict[str, Any])


def test_many_brackets_side_by_side_or_in_texts_are_not_deep() -> None:
    decode(b'{"a":[' + b",".join([b'["[[["]'] * 500) + b"]}", dict[str, Any])
