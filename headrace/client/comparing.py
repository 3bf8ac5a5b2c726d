"""What a profile, and the difference of two dataset versions, look like in a table."""

from collections.abc import Sequence

from headrace.client.api import Json

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


def difference_row(column: Json) -> Json:
    """Return the line of a column: what happened to it, and the statistics that moved most."""
    return {
        "name": column.get("name"),
        "change": _told(column),
        "type": _arrow(column.get("type")),
        "psi": column.get("psi"),
        "statistics": ", ".join(_moved(column)),
    }


def difference_cells(column: Json) -> Json:
    """Return the difference of a column with one cell per number, for CSV."""
    old_type, new_type = _pair(column.get("type"))
    cells = {
        "name": column.get("name"),
        **{name: column.get(name) for name in ("change", "renamed_from", "psi", "missing_change")},
        "type_from": old_type,
        "type_to": new_type,
    }
    for name, (old, new) in _pairs(column.get("statistics") or {}):
        cells |= {f"{name}_from": old, f"{name}_to": new}
    return cells


def _told(column: Json) -> str:
    change, before = str(column.get("change")), column.get("renamed_from")
    return f"{change} from {before}" if before else change


def _moved(column: Json) -> list[str]:
    """Return the statistics that moved, those first that moved most."""
    if column.get("change") in {"added", "removed"}:
        # All of them would be there, with nothing on one side.
        return []
    pairs = _pairs(column.get("statistics") or {})
    # Not the count: the rows of both versions are told once, above the table.
    moved = [(name, old, new) for name, (old, new) in pairs if old != new and name != "count"]
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
