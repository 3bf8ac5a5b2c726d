"""The regular grid of time that all series share: a step, as `freq` states it or the data shows it."""

import re
from dataclasses import dataclass
from math import gcd

import numpy as np
import numpy.typing as npt
from recipe.columns import Column
from recipe.failure import UserError

type Indices = npt.NDArray[np.int64]
type Times = npt.NDArray[np.datetime64]

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
MONTHS = {"mo": 1, "q": 3, "y": 12}
MICRO = 1_000_000
# The periods in which people and weather repeat themselves, in seconds and in months.
PERIODS = (86_400, 604_800)
YEAR_MONTHS = 12
# A year of days or weeks as a second season: 365.25 days do not fit a grid, but 52 weeks nearly do.
WEEKS_OF_YEAR = 52


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Times as whole numbers: of steps of `months` or of `seconds`, whichever is not 0, since 1970 plus `offset_us`."""

    seconds: int = 0
    months: int = 0
    offset_us: int = 0

    def index_of(self, times: Column) -> Indices:
        """Return the step in which each time lies; times between two steps belong to the earlier."""
        if self.months:
            return np.asarray(times.astype("datetime64[M]").astype(np.int64) // self.months)
        return np.asarray(
            (times.astype("datetime64[us]").astype(np.int64) - self.offset_us) // (self.seconds * MICRO)
        )

    def time_of(self, indices: Indices) -> Times:
        """Return the time at which each step begins."""
        if self.months:
            return (indices * self.months).astype("datetime64[M]").astype("datetime64[us]")
        return (indices * self.seconds * MICRO + self.offset_us).astype("datetime64[us]")

    @property
    def seasons(self) -> tuple[int, ...]:
        """In how many steps the values may repeat themselves, shortest first; none for yearly data."""
        if self.months:
            return (YEAR_MONTHS // self.months,) if self.months < YEAR_MONTHS else ()
        if self.seconds == SECONDS["w"]:
            return (WEEKS_OF_YEAR,)
        fitting = [period // self.seconds for period in PERIODS if not period % self.seconds]
        return tuple(steps for steps in fitting if steps > 1)


def make_grid(freq: str | None, times: Times) -> Grid:
    """Return the grid of the stated frequency, or of what the data shows; it begins with the first time."""
    found = parse_freq(freq) if freq else infer_grid(times)
    if found.months:
        return found
    first = int(times.min().astype("datetime64[us]").astype(np.int64))
    return Grid(seconds=found.seconds, offset_us=first % (found.seconds * MICRO))


def parse_freq(freq: str) -> Grid:
    """Read `15m`, `1d`, `1mo`; raise `UserError` for anything else."""
    match = re.fullmatch(r"([1-9][0-9]{0,3})(s|m|h|d|w|mo|q|y)", freq)
    if not match:
        raise UserError(f"The freq is {freq!r}; say it as 15m, 1h, 1d, 1w, 1mo, 1q or 1y.")
    count, unit = int(match[1]), match[2]
    if unit in MONTHS:
        return Grid(months=count * MONTHS[unit])
    return Grid(seconds=count * SECONDS[unit])


def infer_grid(times: Times) -> Grid:
    """Return the step that most neighbouring times have; `times` are one series', sorted, each once."""
    if len(times) < 3:
        raise UserError(
            "No series has three different times, so the step between values is not seen; state freq."
        )
    gaps, counts = np.unique(np.diff(times.astype("datetime64[s]")).astype(np.int64), return_counts=True)
    most = int(gaps[counts.argmax()])
    if most < 1:
        raise UserError(
            "The times of the series are less than a second apart; forecasts need a step of 1s or more."
        )
    months = _months(times, most)
    if months:
        return Grid(months=months)
    # Most steps are equal; where the rest are fractions of them, the true step is finer.
    common = [int(g) for g, n in zip(gaps, counts, strict=True) if n >= len(times) * 0.05]
    return Grid(seconds=gcd(*common, most))


def _months(times: Times, gap_s: int) -> int:
    """Return the step in months when every time is in a month of its own, mostly as many apart; else 0."""
    if gap_s < 28 * SECONDS["d"]:
        return 0
    months = np.diff(times.astype("datetime64[M]").astype(np.int64))
    # Four weeks are no month: now and then two such times fall into one.
    return int(np.bincount(months).argmax()) if months.min() > 0 else 0


def calendar(grid: Grid, indices: Indices, *, yearly: bool) -> list[npt.NDArray[np.float64]]:
    """Return what the calendar says of each step: minute of the day, weekday, and if `yearly` its day and month."""
    times = grid.time_of(indices)
    days = times.astype("datetime64[D]")
    # 1 January 1970 was a Thursday; Monday is 0.
    parts: list[Indices] = [
        (times - days).astype("timedelta64[m]").astype(np.int64),
        (days.astype(np.int64) + 3) % 7,
    ]
    if yearly:
        parts.append((days - times.astype("datetime64[Y]")).astype(np.int64))
        parts.append(times.astype("datetime64[M]").astype(np.int64) % 12)
    return [part.astype(np.float64) for part in parts]


def spans_years(grid: Grid, steps: int) -> bool:
    """Tell whether that many steps show each time of the year at least twice."""
    if grid.months:
        return steps * grid.months >= 2 * YEAR_MONTHS
    return steps * grid.seconds >= 2 * 365 * SECONDS["d"]
