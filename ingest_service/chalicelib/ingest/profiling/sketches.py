"""Which figures are exact, which come from a sample or a sketch, and how far those may be off.

The sample is the rows whose hashed number falls in one of ``k`` classes: uniform, and the same in every
attempt. By Dvoretzky, Kiefer and Wolfowitz (with Massart's constant) the distribution seen in ``n`` sampled values
is nowhere further than ``sqrt(ln(2 / delta) / (2 n))`` from the whole one, with confidence ``1 - delta``.
"""

# ruff: noqa: S608 - SQL of our own names only

import math
from collections.abc import Sequence

from chalicelib.ingest.engine import Scratch
from chalicelib.ingest.profiling.model import Method

QUANTILES = (0.01, 0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.99)
QUANTILE_ROWS = 262_144  # 2 MiB of numbers a column while they are sorted
CANDIDATE_ROWS = 65_536
CANDIDATES = 500
FEW = 10_000  # values that a column may have for all of them to be counted one by one
CONFIDENCE = 0.99
# DuckDB's approx_count_distinct has 2^10 registers; 1.04 is Flajolet's constant. A test measures that it holds.
HYPERLOGLOG_ERROR = round(1.04 / math.sqrt(2**10), 4)
EXACT = Method(name="exact")
HYPERLOGLOG = Method(name="hyperloglog", error=HYPERLOGLOG_ERROR, meaning="relative standard error")


def stride(row_count: int, wanted: int) -> int:
    """Return ``k`` so that one row of ``k`` makes about *wanted* rows; 1 is every row."""
    return max(1, math.ceil(row_count / wanted))


def sampled(k: int) -> str:
    """Return SQL that is true in one row of *k*, whatever the row holds."""
    # Every k-th row would meet the rhythm of the data, such as one sensor of k; a hash of the number does not.
    return "true" if k == 1 else f"hash(row_number() OVER ()) % {k} = 0"


def rank_error(sample: float) -> float:
    """Return how far a share seen in *sample* values may be from the whole one (confidence 99%)."""
    return math.sqrt(math.log(2 / (1 - CONFIDENCE)) / (2 * max(sample, 1.0)))


def quantile_method(count: int, k: int) -> Method:
    """Return how quantiles of *count* values are found when one row of *k* is looked at."""
    if k == 1:
        return EXACT
    error = round(min(1.0, rank_error(count / k)), 4)
    return Method(name="uniform sample", error=error, meaning="share of values, by DKW with confidence 99%")


def top_method(k: int) -> Method:
    """Return how top values are found when candidates come from one row of *k*."""
    if k == 1:
        return EXACT
    error = round(1 / CANDIDATES + rank_error(CANDIDATE_ROWS), 4)
    meaning = "counts are exact; a value of a smaller share of rows may be absent (confidence 99%)"
    return Method(name="candidates from a uniform sample", error=error, meaning=meaning)


def named(values: Sequence[float]) -> dict[str, float]:
    """Return the quantiles *values* by their names, such as ``25%``."""
    return {f"{100 * q:g}%": float(value) for q, value in zip(QUANTILES, values, strict=True)}


def find_quantiles(scratch: Scratch, rows: str, values: Sequence[str], k: int) -> list[dict[str, float]]:
    """Return the quantiles of each SQL expression in one row of *k*; none where the sample has no value."""
    if not values:
        return []
    names = [f"x{i}" for i in range(len(values))]
    columns = ", ".join(f"{value} AS {name}" for value, name in zip(values, names, strict=True))
    # As doubles: for DuckDB 0.1 is a DECIMAL, of which it counts ranks in another way.
    wanted = f"{[str(q) for q in QUANTILES]}::DOUBLE[]"
    found = scratch.row(
        f"SELECT {', '.join(f'quantile_disc({name}, {wanted})' for name in names)} "
        f"FROM (SELECT {columns}, {sampled(k)} AS is_sampled FROM {rows}) WHERE is_sampled"
    )
    return [named(quantiles) if quantiles else {} for quantiles in found]


def quantiles_of(counts: dict[float, int]) -> dict[str, float]:
    """Return the exact quantiles of values that occur as often as *counts* says."""
    ordered = sorted(counts)
    total = sum(counts.values())
    found, seen, place = [], 0, -1
    for q in QUANTILES:
        # As DuckDB's quantile_disc: the ceiling of q n, rounded where q n is a whole number.
        rank = max(1, total - math.floor(total - q * total))
        while seen < rank:
            place += 1
            seen += counts[ordered[place]]
        found.append(ordered[place])
    return named(found)
