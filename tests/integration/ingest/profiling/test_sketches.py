"""Figures that are not exact stay within the bounds that the profile states for them."""

import math
import statistics
from bisect import bisect_left, bisect_right

import pytest
from chalicelib.ingest.profiling import Column, profile, sketches

ROWS = 600_000


@pytest.fixture(scope="module")
def large(scratch):
    """A seeded table larger than both samples: skewed numbers, ties, frequent texts among rare ones."""
    scratch.connection.execute("SET threads = 1; SELECT setseed(0.42)")
    scratch.connection.execute(
        f"CREATE OR REPLACE TABLE large AS SELECT exp(3 * random()) AS v0, "
        f"CASE WHEN random() < 0.6 THEN 0 ELSE round(random() * 1e6) END AS v1, "
        f"CASE WHEN random() < 0.3 THEN 'often ' || (i % 7) ELSE 'rare ' || i END AS v2, "
        f"CASE WHEN i % 10 > 0 THEN i END AS v3, 'id ' || i AS v4, "
        f"TIMESTAMP '2026-01-01' + INTERVAL (i * 3 + (i * i) % 2) SECOND AS v5 FROM range({ROWS}) t(i)"
    )
    kinds = ("number", "number", "string", "integer", "string", "datetime")
    columns = [Column(name=f"c{i}", type=kind, place=f"v{i}") for i, kind in enumerate(kinds)]
    return profile(scratch, "large", columns, row_count=ROWS).columns


@pytest.mark.parametrize("i", [0, 1, 3])
def test_quantiles_of_a_sample_are_within_their_bound_of_rank(scratch, large, i):
    values = [v for (v,) in scratch.rows(f"SELECT v{i} FROM large WHERE v{i} IS NOT NULL ORDER BY 1")]
    method = large[i].methods["quantiles"]
    assert method.name == "uniform sample"
    for q in sketches.QUANTILES:
        value = large[i].quantiles[f"{100 * q:g}%"]
        low, high = bisect_left(values, value) / len(values), bisect_right(values, value) / len(values)
        assert low - method.error <= q <= high + method.error


def test_a_histogram_is_exact_however_many_rows(large):
    assert sum(large[0].histogram.counts) == large[0].count == ROWS


def test_no_frequent_value_is_missed_and_its_count_is_exact(scratch, large):
    method = large[2].methods["top"]
    counts = dict(scratch.rows("SELECT v2, count(*) FROM large WHERE v2 LIKE 'often%' GROUP BY v2"))
    assert min(counts.values()) / ROWS > method.error
    assert {top.value: top.count for top in large[2].top if top.value in counts} == counts


def test_where_no_value_is_frequent_none_is_shown(large):
    assert large[4].top == []
    assert large[4].methods["top"].error is not None


def test_gaps_keep_their_extremes_and_the_bound_of_their_quantiles(large):
    gaps = large[5].gaps
    assert (gaps.count, gaps.largest_s) == (ROWS - 1, 4.0)
    assert gaps.quantiles["25%"] == 2.0
    assert large[5].methods["gaps.quantiles"].name == "uniform sample"


def test_few_values_are_exact_however_many_rows(scratch):
    scratch.connection.execute(f"CREATE OR REPLACE TABLE few AS SELECT i % 100 AS v0 FROM range({ROWS}) t(i)")
    column = profile(scratch, "few", [Column(name="x", type="integer", place="v0")], row_count=ROWS).columns[
        0
    ]
    assert (column.distinct, column.distinct_is_approximate) == (100, False)
    assert column.methods["quantiles"].name == "exact"
    assert [column.quantiles[name] for name in ("1%", "50%", "99%")] == [0, 49, 98]
    assert column.histogram is not None
    assert column.histogram.counts == [ROWS // 10] * 10


def test_the_error_of_distinct_counts_is_the_one_stated(scratch):
    found = scratch.rows(
        "SELECT approx_count_distinct(k * 1000000 + i) FROM range(150) a(k), range(20000) b(i) GROUP BY k"
    )
    errors = [count / 20_000 - 1 for (count,) in found]
    # 150 draws know a standard error to 6% of itself.
    assert math.sqrt(statistics.fmean(e * e for e in errors)) <= 1.12 * sketches.HYPERLOGLOG_ERROR
    assert abs(statistics.fmean(errors)) < sketches.HYPERLOGLOG_ERROR / 3


def test_distinct_counts_beyond_ten_thousand_say_that_they_are_estimates(large):
    assert large[3].methods["distinct"].name == "hyperloglog"
    assert large[3].distinct_is_approximate
    assert large[3].distinct == pytest.approx(540_000, rel=4 * sketches.HYPERLOGLOG_ERROR)


def test_the_bound_of_a_sample_is_dkws():
    # Massart 1990: 2 exp(-2 n e^2) = 1%, so e = 0.01628 for n = 10,000.
    assert sketches.rank_error(10_000) == pytest.approx(0.016276, abs=1e-6)
