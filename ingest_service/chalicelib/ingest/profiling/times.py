"""Gaps between neighbouring times."""

# ruff: noqa: S608 - SQL of our own names only

from chalicelib.ingest.engine import Scratch
from chalicelib.ingest.profiling import sketches
from chalicelib.ingest.profiling.model import Gaps
from chalicelib.ingest.profiling.plain import rfc3339


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
