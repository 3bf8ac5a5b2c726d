"""What a split promises: a row's side is its own affair, and neither a key nor a group is ever on both sides."""

import math
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from itertools import chain, pairwise
from typing import Any

import pytest
from chalicelib.ingest.split import BUCKETS, bucket, bucket_sql, sides_by_bucket, sides_by_time
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.entities.pipeline import Split
from tests.database import answers

# No NUL: DuckDB ends a text there, and the readers refuse it in a cell.
TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)
ROWS = st.lists(st.tuples(st.none() | TEXT, st.none() | TEXT), min_size=1, max_size=12)
SEEDS = st.integers(0, 2**31 - 1)


class Rows:
    """Answers SQL over a few rows with one column ``t``, as a scratch does over staged ones."""

    def __init__(self, times: list[int]) -> None:
        # One list is planned faster than as many rows of VALUES.
        made = f"SELECT TIMESTAMP '2026-01-01' + to_hours(hours) AS t FROM unnest({times}::INTEGER[]) AS of(hours)"
        self.table = f"({made}) AS made"

    def rows(self, query: str) -> list[Any]:
        return answers(query)

    def row(self, query: str) -> Any:
        return self.rows(query)[0]

    def sorting(self) -> AbstractContextManager[None]:
        return nullcontext()

    def times(self, condition: str) -> list[Any]:
        return [time for (time,) in self.rows(f"SELECT t FROM {self.table} WHERE {condition}")]


def buckets(rows: list[tuple[str | None, ...]], seed: int) -> list[int]:
    """Return the buckets that DuckDB gives to *rows*, in their order."""
    places = "(" + ", ".join("?" for _ in rows[0]) + ", ?)"
    values = [value for n, row in enumerate(rows) for value in (*row, n)]
    names = [f"c{i}" for i in range(len(rows[0]))]
    made = f"(VALUES {', '.join([places] * len(rows))}) AS made({', '.join(names)}, n)"
    texts = [f"{name}::VARCHAR" for name in names]
    found = answers(f"SELECT {bucket_sql(texts, seed)} FROM {made} ORDER BY n", values)
    return [number for (number,) in found]


def side_of(number: int, split: Split) -> list[str]:
    conditions = sides_by_bucket(split).conditions
    chosen = ", ".join(f"({condition}) AS {side}" for side, condition in conditions.items())
    (found,) = answers(f"SELECT {chosen} FROM (VALUES (?)) AS made(bucket)", [number])
    return [side for side, is_on in zip(conditions, found, strict=True) if is_on]


@settings(max_examples=60)
@given(ROWS, SEEDS)
def test_the_bucket_of_a_row_is_that_of_its_texts_and_the_seed_alone(
    rows: list[tuple[str | None, ...]], seed: int
) -> None:
    assert buckets(rows, seed) == [bucket(list(row), seed) for row in rows]


@settings(max_examples=60)
@given(ROWS, ROWS, SEEDS)
def test_rows_that_are_appended_or_put_in_front_move_no_row(
    old: list[tuple[str | None, ...]], new: list[tuple[str | None, ...]], seed: int
) -> None:
    before = buckets(old, seed)
    assert buckets(old + new, seed)[: len(old)] == before
    assert buckets(new + old, seed)[len(new) :] == before


@settings(max_examples=60)
@given(TEXT, TEXT, SEEDS)
def test_where_one_text_ends_and_the_next_begins_matters(left: str, right: str, seed: int) -> None:
    if "\x1f" not in left + right and left and right:
        glued = [bucket([left + right, ""], n) for n in range(seed, seed + 3)]
        assert glued != [bucket([left, right], n) for n in range(seed, seed + 3)]


@settings(max_examples=100)
@given(st.integers(0, BUCKETS - 1), st.integers(1, 60), st.integers(0, 39))
def test_every_bucket_is_on_one_side_so_no_key_or_group_is_on_two(
    number: int, test: int, validation: int
) -> None:
    assert len(side_of(number, Split(test=f"{test}%", validation=f"{validation}%"))) == 1


@pytest.mark.parametrize("seed", [0, 42, 2**31 - 1])
@pytest.mark.parametrize(("test", "validation"), [("20%", "10%"), ("0.5%", "33.3%")])
def test_the_sides_have_their_shares_within_what_chance_allows(seed: int, test: str, validation: str) -> None:
    total = 20_000
    split = Split(test=test, validation=validation)
    sides = [side_of(number, split)[0] for number in range(0, BUCKETS, 50)]
    shares = {"test": float(test[:-1]) / 100, "validation": float(validation[:-1]) / 100}
    texts = [bucket([f"N{key}"], seed) for key in range(total)]
    edges = {"test": (0, round(shares["test"] * BUCKETS))}
    edges["validation"] = (edges["test"][1], edges["test"][1] + round(shares["validation"] * BUCKETS))
    for side, (first, past) in edges.items():
        found = sum(first <= number < past for number in texts)
        spread = math.sqrt(total * shares[side] * (1 - shares[side]))
        # Five standard deviations: one true split in two million is further off.
        assert abs(found - total * shares[side]) <= 5 * spread
        assert Counter(sides)[side] == pytest.approx(shares[side] * len(sides), abs=1)


@settings(max_examples=60)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=60), st.integers(1, 60), st.integers(0, 39))
def test_by_time_each_row_has_one_side_and_no_side_begins_before_another_ends(
    times: list[int], test: int, validation: int
) -> None:
    rows = Rows(times)
    split = Split(by="time", test=f"{test}%", validation=f"{validation}%")
    untyped: Any = rows
    conditions = sides_by_time(untyped, rows.table, "t", split).conditions
    sides = [rows.times(conditions[side]) for side in ("train", "validation", "test")]
    assert sorted(chain.from_iterable(sides)) == sorted(rows.times("true"))
    filled = [side for side in sides if side]
    assert all(max(old) < min(new) for old, new in pairwise(filled))


@settings(max_examples=40)
@given(st.lists(st.integers(0, 500), min_size=10, max_size=60, unique=True))
def test_by_time_the_test_side_has_its_share_where_no_times_are_equal(times: list[int]) -> None:
    rows = Rows(times)
    untyped: Any = rows
    conditions = sides_by_time(untyped, rows.table, "t", Split(by="time")).conditions
    assert len(rows.times(conditions["test"])) == round(len(times) * 0.2)
    assert len(rows.times(conditions["validation"])) == round(len(times) * 0.1)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 40), min_size=4, max_size=30), st.integers(2, 4))
def test_by_time_all_series_are_cut_at_the_same_times(times: list[int], series: int) -> None:
    alone, together = Rows(times), Rows(times * series)
    split = Split(by="time", test="25%", validation="25%")
    one: Any = alone
    all_of_them: Any = together
    cuts = [sides_by_time(scratch, scratch.table, "t", split).conditions for scratch in (one, all_of_them)]
    whole = len(times) % 4 == 0
    # With a share that is no whole number of rows the cut may fall one row, never one series, apart.
    assert not whole or cuts[0] == cuts[1]
    for scratch in (alone, together):
        sides = [set(scratch.times(condition)) for condition in cuts[1].values()]
        assert sum(len(side) for side in sides) == len(set(times))
