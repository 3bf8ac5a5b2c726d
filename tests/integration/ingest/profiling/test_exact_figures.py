"""Figures that claim to be exact equal what plain Python computes from the same values."""

import math
import statistics
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import msgspec
import pytest
from chalicelib.ingest.profiling.sketches import QUANTILES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FEW = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
numbers = st.floats(-1e38, 1e38, allow_nan=False, allow_infinity=False) | st.floats(-100, 100)
integers = st.integers(-(10**18) + 1, 10**18 - 1) | st.integers(-5, 5)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=120)
moments = st.datetimes(datetime(1000, 1, 1), datetime(2999, 12, 31))  # noqa: DTZ001 - the engine's are naive UTC


def table(values):
    return st.lists(st.none() | values, min_size=1, max_size=60)


def rank(values, q):
    return sorted(values)[max(1, len(values) - math.floor(len(values) - q * len(values))) - 1]


@FEW
@given(table(numbers), st.booleans())
def test_the_figures_of_numbers_are_those_of_python(profile_of, values, whole):
    if whole:
        values = [None if v is None else int(v) % 10**17 for v in values]
    column = profile_of(x=("integer" if whole else "number", values)).columns[0]
    present = [v for v in values if v is not None]
    assert (column.count, column.missing) == (len(present), len(values) - len(present))
    assert (column.distinct, column.distinct_is_approximate) == (len(set(present)), False)
    if not present:
        assert (column.min, column.mean, column.quantiles, column.histogram) == (None, None, {}, None)
        return
    greatest = max(map(abs, present))
    assert (column.min, column.max) == (min(present), max(present))
    assert column.mean == pytest.approx(statistics.fmean(present), rel=1e-9, abs=1e-12 * greatest)
    if len(present) > 1:
        # Squares below the least float are zero, so a spread under 1e-154 is one too.
        assert column.std == pytest.approx(
            statistics.stdev(present), rel=1e-6, abs=max(1e-7 * greatest, 1e-153)
        )
    else:
        assert column.std is None
    assert column.quantiles == {f"{100 * q:g}%": float(rank(present, q)) for q in QUANTILES}
    assert column.methods["quantiles"].name == "exact"


@FEW
@given(table(integers))
def test_whole_numbers_lose_no_digit(profile_of, values):
    column = profile_of(x=("integer", values)).columns[0]
    present = [v for v in values if v is not None]
    assert (column.min, column.max) == ((min(present), max(present)) if present else (None, None))


@FEW
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_every_value_is_in_the_bin_that_its_edges_say(profile_of, values):
    histogram = profile_of(x=("number", values)).columns[0].histogram
    assert sum(histogram.counts) == len(values)
    assert (histogram.edges[0], histogram.edges[-1], len(histogram.edges)) == (min(values), max(values), 11)
    slack = 1e-9 * (max(values) - min(values))
    for i, edge in enumerate(histogram.edges[1:10], start=1):
        below = sum(histogram.counts[:i])
        assert sum(v < edge - slack for v in values) <= below <= sum(v <= edge + slack for v in values)


@FEW
@given(table(texts))
def test_the_figures_of_texts_are_those_of_python(profile_of, values):
    column = profile_of(x=("string", values)).columns[0]
    present = [v for v in values if v is not None]
    shown = Counter(v[:100] for v in present)
    expected = sorted(shown.items(), key=lambda item: (-item[1], item[0]))[:10]
    assert [(top.value, top.count) for top in column.top] == expected
    assert column.distinct == len(set(present))
    if present:
        lengths = [len(v) for v in present]
        assert (column.lengths.min, column.lengths.max) == (min(lengths), max(lengths))
        assert column.lengths.mean == pytest.approx(statistics.fmean(lengths))
        assert column.lengths.quantiles == {f"{100 * q:g}%": rank(lengths, q) for q in QUANTILES}


@FEW
@given(table(moments))
def test_the_figures_of_times_are_those_of_python(profile_of, values):
    column = profile_of(x=("datetime", values)).columns[0]
    present = [v.replace(tzinfo=UTC) for v in values if v is not None]
    if not present:
        assert (column.min, column.gaps, column.periods) == (None, None, None)
        return
    assert (column.min, column.max) == tuple(f"{t:%Y-%m-%dT%H:%M:%SZ}" for t in (min(present), max(present)))
    assert sum(column.periods.counts) == len(present)
    assert len(column.periods.starts) <= 123
    different = sorted(set(present))
    gaps = [(b - a).total_seconds() for a, b in pairwise(different)]
    if not gaps:
        assert column.gaps is None
        return
    assert column.gaps.count == len(gaps)
    assert column.gaps.mean_s == pytest.approx(statistics.fmean(gaps))
    assert column.gaps.largest_s == pytest.approx(max(gaps))
    assert column.gaps.quantiles == pytest.approx({f"{100 * q:g}%": rank(gaps, q) for q in QUANTILES})


def test_the_largest_gap_names_the_times_around_it(profile_of):
    days = [date(2026, 1, 1) + timedelta(days=d) for d in (0, 1, 2, 2, 9, 10)]
    gaps = profile_of(x=("date", days)).columns[0].gaps
    assert (gaps.largest_from, gaps.largest_to) == ("2026-01-03T00:00:00Z", "2026-01-10T00:00:00Z")
    assert (gaps.largest_s, gaps.quantiles["50%"]) == (7 * 86_400, 86_400)


def test_rows_are_counted_per_calendar_unit(profile_of):
    days = [date(2026, 1, 30), date(2026, 2, 1), date(2026, 2, 1)]
    periods = profile_of(x=("date", days)).columns[0].periods
    assert periods.unit == "day"
    assert dict(zip(periods.starts, periods.counts, strict=True)) == {
        "2026-01-30T00:00:00Z": 1,
        "2026-02-01T00:00:00Z": 2,
    }


def test_truth_values_are_counted_by_name(profile_of):
    column = profile_of(x=("boolean", [True, False, True, None])).columns[0]
    assert [(top.value, top.count) for top in column.top] == [("true", 2), ("false", 1)]
    assert (column.count, column.missing, column.lengths) == (3, 1, None)


def test_of_binary_values_only_the_bytes_are_counted(profile_of):
    column = profile_of(x=("binary", [b"\x00\xff", b"abcd", None])).columns[0]
    assert (column.count, column.missing, column.top) == (2, 1, [])
    assert (column.lengths.min, column.lengths.mean, column.lengths.max) == (2, 3.0, 4)


def test_numbers_at_the_edge_of_what_the_schema_accepts(profile_of):
    column = profile_of(x=("number", [1e38, -1e38, 1e38, 5e-324])).columns[0]
    assert column.std == pytest.approx(statistics.stdev([1e38, -1e38, 1e38, 0.0]))
    assert sum(column.histogram.counts) == 4


def test_sums_of_integers_do_not_overflow(profile_of):
    assert profile_of(x=("integer", [10**18 - 1] * 50)).columns[0].mean == pytest.approx(1e18)


def test_a_table_wider_than_one_scan_keeps_every_column_in_its_place(profile_of):
    columns = {f"c{i}": ("integer" if i % 2 else "string", [i, i, None]) for i in range(75)}
    found = profile_of(
        **{
            n: (k, [v if k == "integer" or v is None else str(v) for v in vs])
            for n, (k, vs) in columns.items()
        }
    )
    assert [column.name for column in found.columns] == list(columns)
    assert all(column.distinct == 1 and column.missing == 1 for column in found.columns)
    assert [column.top[0].value for column in found.columns] == [str(i) for i in range(75)]


def test_the_same_rows_give_the_same_bytes(profile_of):
    values = [math.sin(i) * 10 ** (i % 30) for i in range(5000)]
    first, second = (profile_of(x=("number", values)) for _ in range(2))
    assert msgspec.json.encode(first) == msgspec.json.encode(second)
