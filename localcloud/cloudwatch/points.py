"""What is kept of one metric: each minute's values with how often they came, and after some hours only sums.

CloudWatch keeps minutes for 15 days and gives percentiles from their distribution. A laptop keeps minutes for
three hours; its state is written to disk every few seconds and must stay small however many requests come.
"""

import threading
from collections.abc import Iterable
from typing import Any

MINUTE_S, HOUR_S = 60, 3600
KEPT_S = 15 * 24 * HOUR_S
# Beyond so many different values in a minute they are rounded to two digits: percentiles stay within 5 %.
DISTINCT = 100
_FINE_S = 3 * HOUR_S

Point = dict[str, Any]
# Functions, requests and alarms each run on threads of their own.
_lock = threading.Lock()


class Points(list[Point]):
    """A list of points as MiniStack reads it, which adds equal values of a minute up instead of keeping each."""

    def __init__(self, points: Iterable[Point] = ()) -> None:
        super().__init__(points)
        self._minute = 0.0
        self._of_minute: dict[tuple[float, str], Point] = {}

    def append(self, point: Point) -> None:
        """Add a point to its minute."""
        with _lock:
            minute = point["Timestamp"] // MINUTE_S * MINUTE_S
            if "_stat" in point:
                super().append({**point, "Timestamp": minute})
                return
            if minute != self._minute:
                self._minute, self._of_minute = minute, {}
            self._count(point, minute)

    def __deepcopy__(self, _memo: Any) -> list[Point]:
        """Return the points as they are: a copy is for the disk, and adds nothing up any more."""
        with _lock:
            return [dict(point) for point in self]

    def _count(self, point: Point, minute: float) -> None:
        value, unit, count = point["Value"], point.get("Unit", "None"), point.get("Count", 1.0)
        if (value, unit) not in self._of_minute and len(self._of_minute) >= DISTINCT:
            value = float(f"{value:.2g}")
        known = self._of_minute.get((value, unit))
        if known is not None:
            known["Count"] += count
            return
        kept = {**point, "Timestamp": minute, "Value": value, "Count": count}
        self._of_minute[value, unit] = kept
        super().append(kept)

    def thin(self, now: float) -> None:
        """Add up by the hour what is older than three hours, and forget what is older than 15 days."""
        with _lock:
            kept = [point for point in self if point["Timestamp"] >= now - KEPT_S]
            fine_from = (now - _FINE_S) // HOUR_S * HOUR_S
            old = [point for point in kept if point["Timestamp"] < fine_from]
            hours: dict[float, list[Point]] = {}
            for point in old:
                hours.setdefault(point["Timestamp"] // HOUR_S * HOUR_S, []).append(point)
            added = [_sum(hour, points) for hour, points in sorted(hours.items())]
            self[:] = [*added, *(point for point in kept if point["Timestamp"] >= fine_from)]


def _sum(hour: float, points: list[Point]) -> Point:
    parts = [point.get("_stat") or _statistics(point) for point in points]
    total = {
        "SampleCount": sum(part["SampleCount"] for part in parts),
        "Sum": sum(part["Sum"] for part in parts),
        "Minimum": min(part["Minimum"] for part in parts),
        "Maximum": max(part["Maximum"] for part in parts),
    }
    mean = total["Sum"] / total["SampleCount"] if total["SampleCount"] else 0.0
    return {**points[0], "Timestamp": hour, "Value": mean, "Count": 1.0, "_stat": total}


def _statistics(point: Point) -> dict[str, float]:
    value, count = point["Value"], point.get("Count", 1.0)
    return {"SampleCount": count, "Sum": value * count, "Minimum": value, "Maximum": value}
