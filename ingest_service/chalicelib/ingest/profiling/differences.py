"""What changed from one dataset version to another, told from their profiles alone."""

import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from typing import Literal

import msgspec
from chalicelib.ingest.profiling.model import ColumnProfile, Profile
from chalicelib.ingest.profiling.stability import psi

Change = Literal["added", "removed", "retyped", "renamed", "changed", "same"]
Figure = int | float | str | None

NOTABLE_PSI = 0.1  # the usual reading: below 0.1 no change, above 0.2 a large one
NOTABLE_MISSING = 0.05  # of the rows
_ORDER: tuple[Change, ...] = ("removed", "added", "retyped", "renamed", "changed", "same")
_ALIKE = (
    0.6  # of SequenceMatcher: passenger_count and passengers are, age and wage too, city and town are not
)
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
    statistics: dict[str, tuple[Figure, Figure]]


class Differences(msgspec.Struct, frozen=True, kw_only=True, rename={"before": "from", "after": "to"}):
    """All columns of two versions, what changed most first."""

    before: str
    after: str
    rows: RowDifference
    columns: list[ColumnDifference]


def compare(before: Profile, after: Profile, *, names: tuple[str, str]) -> Differences:
    """Return what changed from the profile *before* to *after*; *names* are those of the versions."""
    old = {column.name: column for column in before.columns}
    new = {column.name: column for column in after.columns}
    renamed = _find_renamed(old, new)
    pairs: list[tuple[ColumnProfile | None, ColumnProfile | None]] = [
        (old.get(name) or old.get(renamed.get(name, "")), column) for name, column in new.items()
    ]
    gone = old.keys() - new.keys() - set(renamed.values())
    pairs += [(column, None) for name, column in old.items() if name in gone]
    columns = [_compare_columns(*pair) for pair in pairs]
    return Differences(
        before=names[0],
        after=names[1],
        rows=RowDifference(before=before.row_count, after=after.row_count),
        columns=sorted(columns, key=_by_change),
    )


def _compare_columns(old: ColumnProfile | None, new: ColumnProfile | None) -> ColumnDifference:
    some = new or old
    assert some is not None
    comparable = old is not None and new is not None and old.type == new.type
    index = psi(old, new) if comparable and old and new else None
    missing = _missing(new) - _missing(old) if old and new else None
    return ColumnDifference(
        name=some.name,
        change=_change(old, new, index, missing),
        renamed_from=old.name if old and new and old.name != new.name else None,
        type=(old.type if old else None, new.type if new else None),
        psi=index,
        missing_change=missing,
        statistics=_side_by_side(old, new),
    )


def _change(
    old: ColumnProfile | None, new: ColumnProfile | None, index: float | None, missing: float | None
) -> Change:
    if old is None or new is None:
        return "added" if old is None else "removed"
    if old.type != new.type:
        return "retyped"
    if old.name != new.name:
        return "renamed"
    has_moved = (index or 0.0) >= NOTABLE_PSI or abs(missing or 0.0) >= NOTABLE_MISSING
    return "changed" if has_moved else "same"


def _by_change(column: ColumnDifference) -> tuple[int, float, str]:
    weight = (column.psi or 0.0) + abs(column.missing_change or 0.0)
    return _ORDER.index(column.change), -weight, column.name


def _missing(column: ColumnProfile) -> float:
    rows = column.count + column.missing
    return column.missing / rows if rows else 0.0


def _side_by_side(old: ColumnProfile | None, new: ColumnProfile | None) -> dict[str, tuple[Figure, Figure]]:
    before = dict(_figures(old)) if old else {}
    after = dict(_figures(new)) if new else {}
    return {name: (before.get(name), after.get(name)) for name in {**before, **after}}


def _figures(column: ColumnProfile) -> Iterator[tuple[str, Figure]]:
    """Yield name and figure of all that a column has and that one can read side by side."""
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
    yield from ((name, figure) for name, figure in figures.items() if figure is not None)


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
