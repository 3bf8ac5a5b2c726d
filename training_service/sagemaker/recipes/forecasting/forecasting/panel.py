"""Many series as one table: a row per series, a column per step of the grid, NaN where nothing was measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from recipe.columns import Columns, concatenate, is_missing, row_count, take_rows
from recipe.data import Data
from recipe.failure import UserError
from recipe.metrics import Floats
from recipe.parameters import Parameters

from .grid import Grid, Indices, make_grid

MAX_CELLS = 100_000_000
type Key = tuple[str | int | float, ...]


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Values of shape (series, steps); the first step is `start` on the grid."""

    grid: Grid
    start: int
    keys: tuple[Key, ...]
    values: Floats

    @property
    def end(self) -> int:
        """The grid index of the last step."""
        return self.start + int(self.values.shape[1]) - 1

    @cached_property
    def filled(self) -> "Panel":
        """The same with the last known one wherever one is missing; NaN before the first."""
        known = ~np.isnan(self.values)
        last = np.maximum.accumulate(np.where(known, np.arange(self.values.shape[1]), -1), axis=1)
        filled = np.take_along_axis(self.values, np.maximum(last, 0), axis=1)
        values = np.where(last >= 0, filled, np.nan)
        return Panel(grid=self.grid, start=self.start, keys=self.keys, values=values)

    @cached_property
    def _sums(self) -> tuple[Floats, Floats]:
        known = ~np.isnan(self.values)
        before = np.zeros((len(self.values), 1))
        sums = np.cumsum(np.where(known, self.values, 0.0), axis=1)
        counts = np.cumsum(known, axis=1).astype(np.float64)
        return np.hstack([before, sums]), np.hstack([before, counts])

    def mean_before(self, series: Indices, origin: Indices, width: int) -> Floats:
        """Return the mean of the last `width` steps up to and with the origin, NaN where none is known."""
        steps = self.values.shape[1]
        high = np.clip(origin - self.start + 1, 0, steps)
        low = np.clip(high - width, 0, steps)
        sums, counts = (table[series, high] - table[series, low] for table in self._sums)
        return np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)

    def with_new(self, keys: Sequence[Key]) -> "Panel":
        """Return the same with further series of which nothing is known."""
        if not keys:
            return self
        values = np.vstack([self.values, np.full((len(keys), self.values.shape[1]), np.nan)])
        return Panel(grid=self.grid, start=self.start, keys=(*self.keys, *keys), values=values)

    def until(self, index: int) -> "Panel":
        """Return the same without what came after a step."""
        kept = self.values[:, : max(0, index - self.start + 1)]
        return Panel(grid=self.grid, start=self.start, keys=self.keys, values=kept)


@dataclass(frozen=True, kw_only=True)
class Cells:
    """Places in a panel: which series, and which step on the grid; both of shape (cells,)."""

    series: Indices
    index: Indices


def series_columns(parameters: Parameters) -> tuple[str, ...]:
    """Return the columns whose values together name one series."""
    return tuple(parameters.task_options.get("series") or ())


def keys_of(columns: Columns, names: Sequence[str]) -> list[Key]:
    """Return the key of each row's series, numbers as plain Python numbers."""
    if not names:
        return [()] * row_count(columns)
    # A whole number that went through float64 is spelled 7 again, not 7.0: requests will say 7.
    parts = [[_plain(value) for value in columns[name].tolist()] for name in names]
    return list(zip(*parts, strict=True))


def _plain(value: str | float) -> str | int | float:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def can_be_placed(columns: Columns, parameters: Parameters) -> npt.NDArray[np.bool_]:
    """Tell which rows have a time and name their series; the others belong nowhere."""
    missing = [is_missing(columns[name]) for name in (parameters.time or "", *series_columns(parameters))]
    return ~np.any(missing, axis=0)


def make_panel(data: Data, parameters: Parameters) -> Panel:
    """Lay the values of all three sides on one grid; times that come twice are averaged.

    Raises
    ------
    UserError
        No step is seen in the times, or the grid would be too large.
    """
    rows = concatenate([data.train, data.validation, data.test])
    rows = take_rows(rows, can_be_placed(rows, parameters))
    if not row_count(rows):
        raise UserError(f"No row has a time in the column '{parameters.time}' and names its series.")
    names, times = series_columns(parameters), rows[parameters.time or ""]
    keys = tuple(sorted(set(keys_of(rows, names)), key=repr))
    grid = _grid(parameters, rows, keys)
    index = grid.index_of(times)
    start, steps = int(index.min()), int(index.max() - index.min()) + 1
    if steps * len(keys) > MAX_CELLS:
        raise UserError(
            f"{len(keys)} series of {steps} steps are too many values ({MAX_CELLS} at most); state a longer freq."
        )
    cells = locate(rows, parameters, grid, keys)
    place = cells.series * steps + cells.index - start
    target = rows[parameters.target].astype(np.float64)
    sums = np.bincount(place, target, steps * len(keys))
    counts = np.bincount(place, minlength=steps * len(keys))
    means = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
    return Panel(grid=grid, start=start, keys=keys, values=means.reshape(len(keys), steps))


def locate(rows: Columns, parameters: Parameters, grid: Grid, keys: Sequence[Key]) -> Cells:
    """Return the cell of each row."""
    places = {key: place for place, key in enumerate(keys)}
    series = [places[key] for key in keys_of(rows, series_columns(parameters))]
    return Cells(series=np.array(series, dtype=np.int64), index=grid.index_of(rows[parameters.time or ""]))


def last_index(columns: Columns, parameters: Parameters, grid: Grid) -> int | None:
    """Return the newest step of a side, None where it has no time."""
    times = columns[parameters.time or ""]
    times = times[~is_missing(times)]
    return int(grid.index_of(times).max()) if len(times) else None


def _grid(parameters: Parameters, rows: Columns, keys: Sequence[Key]) -> Grid:
    times: npt.NDArray[np.datetime64] = np.asarray(rows[parameters.time or ""])
    freq = parameters.task_options.get("freq")
    if freq:
        return make_grid(freq, times)
    # The longest series shows the step best; all together they would show steps between series.
    own = keys_of(rows, series_columns(parameters))
    codes = {key: code for code, key in enumerate(keys)}
    row_codes = np.array([codes[key] for key in own])
    longest = np.bincount(row_codes).argmax()
    return make_grid(None, np.unique(times[row_codes == longest]))
