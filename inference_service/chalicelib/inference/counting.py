"""Tallies as attributes that DynamoDB can add to, and back."""

from collections.abc import Mapping
from typing import Any

import msgspec
from chalicelib.inference.tally import Tally

# Counts by a number: how their attributes begin.
_BY_NUMBER = {"latencies": "ms_", "shares": "class_"}
# DynamoDB adds integers exactly; sums of errors are kept in millionths.
_MILLIONTHS = 1_000_000
_SUMS = ("log_loss", "absolute_error", "squared_error", "expected", "expected_squares")
# With more it would have more than the 38 digits of a DynamoDB number, and be no quality worth telling.
_MOST = 1e24


def to_counts(tally: Tally) -> dict[str, int]:
    """Return what of *tally* is not 0, by attribute."""
    plain = msgspec.structs.asdict(tally)
    numbered = {
        f"{prefix}{number}": count
        for name, prefix in _BY_NUMBER.items()
        for number, count in plain.pop(name).items()
    }
    sums = {name: round(min(plain.pop(name), _MOST) * _MILLIONTHS) for name in _SUMS}
    counts = plain | sums | numbered
    return {name: count for name, count in counts.items() if count}


def of_counts(row: Mapping[str, Any]) -> Tally:
    """Return the tally that *row* holds; other attributes are left alone."""
    numbered: dict[str, Any] = {
        field: {
            int(name.removeprefix(prefix)): int(count)
            for name, count in row.items()
            if name.startswith(prefix)
        }
        for field, prefix in _BY_NUMBER.items()
    }
    names = [name for name in Tally.__struct_fields__ if name not in {*_BY_NUMBER, *_SUMS}]
    numbers: dict[str, Any] = {name: int(row.get(name, 0)) for name in names}
    sums: dict[str, Any] = {name: int(row.get(name, 0)) / _MILLIONTHS for name in _SUMS}
    return Tally(**numbers, **sums, **numbered)


def difference(now: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    """Return what must be added to *before* to have *now*."""
    names = {*now, *before}
    found = {name: now.get(name, 0) - before.get(name, 0) for name in names}
    return {name: count for name, count in found.items() if count}
