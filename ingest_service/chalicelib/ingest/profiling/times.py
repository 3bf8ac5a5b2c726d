"""Times: gaps between neighbouring ones, rows per period."""

# ruff: noqa: S608 - SQL of our own names only

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from chalicelib.ingest.engine import Scratch
from chalicelib.ingest.profiling import sketches
from chalicelib.ingest.profiling.model import Gaps, Periods
from chalicelib.ingest.profiling.plain import rfc3339

_ENOUGH = 120  # periods that one can still tell apart in a plot
_HOUR = 3600
_DAY = 24 * _HOUR
# The shortest of each unit, so that the number of periods is never under-estimated.
_UNITS = {
    "minute": 60,
    "hour": _HOUR,
    "day": _DAY,
    "week": 7 * _DAY,
    "month": 28 * _DAY,
    "year": 365 * _DAY,
    "decade": 3652 * _DAY,
    "century": 36524 * _DAY,
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def unit_of(low_us: int, high_us: int, *, has_time: bool) -> str:
    """Return the shortest calendar unit of which at most 120 lie between two times; of dates at least a day."""
    seconds = (high_us - low_us) / 1e6
    least = 0 if has_time else _DAY
    fitting = (unit for unit, length in _UNITS.items() if length >= least and seconds / length <= _ENOUGH)
    return next(fitting, "century")


def periods_of(unit: str, counts: Mapping[int, int]) -> Periods:
    """Return the rows per *unit* of *counts* by its start in microseconds since 1970."""
    starts = [_EPOCH + timedelta(microseconds=start) for start in sorted(counts)]
    spelled = [f"{start:%Y-%m-%dT%H:%M:%SZ}" for start in starts]
    return Periods(unit=unit, starts=spelled, counts=[counts[start] for start in sorted(counts)])


def find_gaps(scratch: Scratch, rows: str, v: str, k: int) -> Gaps | None:
    """Return the gaps of the times *v*, quantiles from one gap of *k*; None where all times are the same.

    Rows of the same time have no gap: a table of many stations still shows how often they measure.
    """
    # lag() over the sorted answer streams: memory is that of the sort, which spills.
    gaps = (
        f"SELECT t, t - lag(t) OVER () AS gap, {sketches.sampled(k)} AS is_sampled FROM "
        f"(SELECT epoch_us({v}::TIMESTAMP) AS t FROM {rows} WHERE {v} IS NOT NULL ORDER BY t)"
    )
    quantiles = [str(q) for q in sketches.QUANTILES]
    with scratch.sorting():
        count, mean, largest, start, end, found = scratch.row(
            f"SELECT count(*), avg(gap), max(gap), {_spelled('arg_max(t - gap, gap)')}, "
            f"{_spelled('arg_max(t, gap)')}, quantile_disc(gap, {quantiles}::DOUBLE[]) FILTER (is_sampled) "
            f"FROM ({gaps}) WHERE gap > 0"
        )
    if not count:
        return None
    return Gaps(
        count=count,
        mean_s=mean / 1e6,
        largest_s=largest / 1e6,
        largest_from=start,
        largest_to=end,
        quantiles=sketches.named([gap / 1e6 for gap in found or []]) if found else {},
    )


def _spelled(microseconds: str) -> str:
    return rfc3339(f"make_timestamp({microseconds})")
