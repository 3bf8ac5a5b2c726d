"""Golden rows: what training answered, so that a new endpoint can prove that it answers the same."""

import math
from collections.abc import Iterable

import msgspec
from chalicelib.inference.answers import Answer
from chalicelib.inference.states import Refused

RELATIVE = 1e-9
ABSOLUTE = 1e-12  # for scores near zero, where a relative tolerance means nothing


class GoldenRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of ``golden.jsonl``; the record stays as the bytes that were written."""

    record: msgspec.Raw
    prediction: Answer


def parse_golden(content: bytes) -> list[GoldenRow]:
    """Return the rows of ``golden.jsonl``.

    Raises
    ------
    Refused
        A line is no golden row, or there is none: a release without proof does not happen.
    """
    try:
        rows = msgspec.json.Decoder(GoldenRow).decode_lines(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused(f"golden.jsonl cannot be read: {error}") from error
    if any(row.prediction.says_nothing() for row in rows):
        raise Refused("golden.jsonl has a prediction without value, points or items")
    if not rows:
        raise Refused(
            "golden.jsonl has no rows, so the endpoint cannot prove that it answers as training did"
        )
    return rows


def check_answers(rows: list[GoldenRow], answers: list[Answer]) -> None:
    """Compare what the endpoint answered with what training answered.

    Raises
    ------
    Refused
        They differ; the message names the first row that does.
    """
    if len(rows) != len(answers):
        raise Refused(f"the endpoint gave {len(answers)} answers to {len(rows)} golden rows")
    for place, (row, answer) in enumerate(zip(rows, answers, strict=True)):
        if not _same(row.prediction, answer):
            raise Refused(f"golden row {place}: {_differ(row.prediction, answer)}")


def _same(expected: object, given: object) -> bool:
    """Compare what JSON can hold, at any depth: a model that lost its scores is not the model that was judged."""
    if isinstance(expected, msgspec.Struct):
        return _same(msgspec.to_builtins(expected), msgspec.to_builtins(given))
    if isinstance(expected, dict) and isinstance(given, dict):
        return expected.keys() == given.keys() and _all_same(
            expected.values(), map(given.__getitem__, expected)
        )
    if isinstance(expected, list | tuple) and isinstance(given, list | tuple):
        return len(expected) == len(given) and _all_same(expected, given)
    return _equal(expected, given)


def _all_same(expected: Iterable[object], given: Iterable[object]) -> bool:
    return all(map(_same, expected, given))


def _equal(expected: object, given: object) -> bool:
    if isinstance(expected, float) and isinstance(given, int | float) and not isinstance(given, bool):
        return math.isclose(expected, given, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return type(expected) is type(given) and expected == given


def _differ(expected: Answer, given: Answer) -> str:
    if expected.value is msgspec.UNSET:
        return "the endpoint's points or items are not those of training"
    others = " with other scores" if expected.value == given.value else ""
    return f"training answered {expected.value!r}, the endpoint {given.value!r}{others}"
