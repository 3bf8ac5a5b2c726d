"""What changed from one dataset version to another, told from their profiles alone."""

import re
from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import Literal

import msgspec
from chalicelib.ingest.profiling.model import ColumnProfile, Profile
from chalicelib.ingest.profiling.stability import psi

Change = Literal["added", "removed", "retyped", "renamed", "changed", "same"]
Figure = int | float | str | None
Sides = dict[str, tuple[Figure, Figure]]  # by name: before, after

NOTABLE_PSI = 0.1  # the usual reading: below 0.1 no change, above 0.2 a large one
NOTABLE_MISSING = 0.05  # of the rows
_ORDER: tuple[Change, ...] = ("removed", "added", "retyped", "renamed", "changed", "same")
# Of SequenceMatcher: passenger_count and passengers are, age and wage too, city and town are not.
_ALIKE = 0.6
_MOST_PAIRS = 2_500  # to compare by name: tables that differ so much were not renamed


class RowDifference(msgspec.Struct, frozen=True, kw_only=True, rename={"before": "from", "after": "to"}):
    """Rows of both versions."""

    before: int
    after: int


class ColumnDifference(msgspec.Struct, frozen=True, kw_only=True):
    """One column. ``type`` and each of ``statistics`` are a pair: before, after; null where it does not exist.

    ``psi`` is the population stability index, null where no distribution can be compared.
    """

    name: str
    change: Change
    renamed_from: str | None = None
    type: tuple[str | None, str | None]
    psi: float | None = None
    missing_change: float | None = None
    statistics: Sides


class VersionComparison(msgspec.Struct, frozen=True, kw_only=True, rename={"before": "from", "after": "to"}):
    """All columns of two versions, what changed most first."""

    before: str
    after: str
    rows: RowDifference
    columns: list[ColumnDifference]


def compare(before: Profile, after: Profile, *, names: tuple[str, str]) -> VersionComparison:
    """Return what changed from the profile *before* to *after*; *names* are those of the versions."""
    old = {column.name: column for column in before.columns}
    new = {column.name: column for column in after.columns}
    renamed = _find_renamed(old, new)
    old_names = {name: renamed.get(name, name) for name in new}
    columns = [
        _compare_columns(old[old_name], new[name]) if old_name in old else _added(new[name])
        for name, old_name in old_names.items()
    ]
    columns += [_removed(old[name]) for name in old.keys() - set(old_names.values())]
    return VersionComparison(
        before=names[0],
        after=names[1],
        rows=RowDifference(before=before.row_count, after=after.row_count),
        columns=sorted(columns, key=_by_change),
    )


def _added(column: ColumnProfile) -> ColumnDifference:
    figures: Sides = {name: (None, figure) for name, figure in _figures(column).items()}
    return ColumnDifference(name=column.name, change="added", type=(None, column.type), statistics=figures)


def _removed(column: ColumnProfile) -> ColumnDifference:
    figures: Sides = {name: (figure, None) for name, figure in _figures(column).items()}
    return ColumnDifference(name=column.name, change="removed", type=(column.type, None), statistics=figures)


def _compare_columns(old: ColumnProfile, new: ColumnProfile) -> ColumnDifference:
    index = psi(old, new) if old.type == new.type else None
    missing_change = _missing(new) - _missing(old)
    before, after = _figures(old), _figures(new)
    return ColumnDifference(
        name=new.name,
        change=_change(old, new, index or 0.0, missing_change),
        renamed_from=old.name if old.name != new.name else None,
        type=(old.type, new.type),
        psi=index,
        missing_change=missing_change,
        statistics={name: (before.get(name), after.get(name)) for name in {**before, **after}},
    )


def _change(old: ColumnProfile, new: ColumnProfile, index: float, missing_change: float) -> Change:
    if old.type != new.type:
        return "retyped"
    if old.name != new.name:
        return "renamed"
    return "changed" if index >= NOTABLE_PSI or abs(missing_change) >= NOTABLE_MISSING else "same"


def _by_change(column: ColumnDifference) -> tuple[int, float, str]:
    weight = (column.psi or 0.0) + abs(column.missing_change or 0.0)
    return _ORDER.index(column.change), -weight, column.name


def _missing(column: ColumnProfile) -> float:
    rows = column.count + column.missing
    return column.missing / rows if rows else 0.0


def _figures(column: ColumnProfile) -> dict[str, Figure]:
    """Return name and figure of all that a column has and that one can read side by side."""
    figures: dict[str, Figure] = {
        "count": column.count,
        "missing": column.missing,
        "distinct": column.distinct,
        "min": column.min,
        "mean": column.mean,
        "median": column.quantiles.get("50%"),
        "max": column.max,
        "std": column.std,
        "most_frequent": column.top[0].value if column.top else None,
        "mean_length": column.lengths.mean if column.lengths else None,
        "largest_gap_s": column.gaps.largest_s if column.gaps else None,
    }
    return {name: figure for name, figure in figures.items() if figure is not None}


def _find_renamed(old: Mapping[str, ColumnProfile], new: Mapping[str, ColumnProfile]) -> dict[str, str]:
    """Return new and old name of columns of the same type whose names are alike, the most alike first."""
    gone, come = old.keys() - new.keys(), new.keys() - old.keys()
    if len(gone) * len(come) > _MOST_PAIRS:
        return {}
    alike = sorted(
        (-_likeness(before, after), after, before)
        for before in gone
        for after in come
        if old[before].type == new[after].type
    )
    renamed: dict[str, str] = {}
    for unlikeness, after, before in alike:
        if -unlikeness >= _ALIKE and after not in renamed and before not in renamed.values():
            renamed[after] = before
    return renamed


def _likeness(a: str, b: str) -> float:
    return SequenceMatcher(None, _spelling(a), _spelling(b), autojunk=False).ratio()


def _spelling(name: str) -> str:
    """Return what pickup-time, PickupTime and pickup_time have in common."""
    return re.sub(r"[\W_]", "", name[:100].casefold())
