"""What a profile, and the difference of two dataset versions, look like in a table."""

from collections.abc import Sequence

from headrace.client.api import Json

# A column that came, went or means something else matters more than one whose values moved.
_BY_KIND = {"removed": 0, "added": 1, "retyped": 2, "renamed": 3, "changed": 4, "same": 5}
_SHOWN = 3


def profile_row(column: Json) -> Json:
    """Return the line of a column: how much is missing, how many values, their range or the most frequent."""
    present, missing = column.get("count", 0), column.get("missing", 0)
    about = "~" if column.get("distinct_is_approximate") else ""
    return {
        **{name: column.get(name) for name in ("name", "type", "count")},
        "missing": _percent(missing, present + missing),
        "distinct": f"{about}{column.get('distinct', '')}",
        **{name: column.get(name) for name in ("min", "mean", "max")},
        "top": _top(column.get("top") or [], present),
    }


def by_change(columns: Sequence[Json]) -> list[Json]:
    """Return the columns of a difference, those that changed most first."""
    return sorted(columns, key=_how_little)


def difference_row(column: Json) -> Json:
    """Return the line of a column: what happened to it, and the statistics that moved most."""
    return {
        "name": column.get("name"),
        "change": column.get("change"),
        "type": _arrow(column.get("type")),
        "psi": column.get("psi"),
        "statistics": ", ".join(_moved(column.get("statistics") or {})),
    }


def difference_cells(column: Json) -> Json:
    """Return the difference of a column with one cell per number, for CSV."""
    old_type, new_type = _pair(column.get("type"))
    cells = {
        "name": column.get("name"),
        "change": column.get("change"),
        "type_from": old_type,
        "type_to": new_type,
        "psi": column.get("psi"),
    }
    for name, (old, new) in _pairs(column.get("statistics") or {}):
        cells |= {f"{name}_from": old, f"{name}_to": new}
    return cells


def _how_little(column: Json) -> tuple[int, float, float]:
    shifts = [_shift(old, new) for _, (old, new) in _pairs(column.get("statistics") or {})]
    psi = column.get("psi")
    return _BY_KIND.get(str(column.get("change")), 0), -(psi or 0.0), -max(shifts, default=0.0)


def _moved(statistics: Json) -> list[str]:
    """Return the statistics that moved, those first that moved most."""
    moved = [(name, old, new) for name, (old, new) in _pairs(statistics) if old != new]
    moved.sort(key=lambda entry: -_shift(entry[1], entry[2]))
    return [f"{name} {_number(old)} → {_number(new)}" for name, old, new in moved[:_SHOWN]]


def _pairs(statistics: Json) -> list[tuple[str, tuple[object, object]]]:
    return [(name, _pair(values)) for name, values in statistics.items()]


def _pair(values: object) -> tuple[object, object]:
    """Return old and new; one value alone means that both are the same."""
    if isinstance(values, list) and len(values) == 2:
        return values[0], values[1]
    return values, values


def _shift(old: object, new: object) -> float:
    """Return how far a number moved, as a part of the larger; what is no number moved wholly or not at all."""
    if isinstance(old, int | float) and isinstance(new, int | float):
        larger = max(abs(old), abs(new))
        return abs(new - old) / larger if larger else 0.0
    return float(old != new)


def _arrow(kinds: object) -> str:
    old, new = _pair(kinds)
    if old == new:
        return str(old or "")
    return f"{old or '-'} → {new or '-'}"


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str("-" if value is None else value)


def _top(values: Sequence[Json], present: int) -> str:
    return ", ".join(
        f"{entry.get('value')} {_percent(entry.get('count', 0), present)}" for entry in values[:_SHOWN]
    )


def _percent(part: int, whole: int) -> str:
    if not whole:
        return "-"
    percent = 100 * part / whole
    # "0.0%" would hide that there are some.
    return "<0.1%" if 0 < percent < 0.1 else f"{percent:.1f}%"
