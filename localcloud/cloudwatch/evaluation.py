"""When an alarm changes its state: datapoints, how many of them breach, and what a missing one counts as.

CloudWatch user guide, "Alarm evaluation" and "Configuring how CloudWatch alarms treat missing data", whose two
tables are the test of this module.
"""

import operator
from collections.abc import Callable, Sequence

import msgspec

# How much farther back than the evaluation periods CloudWatch looks for points is not documented; its tables
# show five for three.
EXTRA_PERIODS = 2

_COMPARISONS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}
_BY_TREATMENT = {"breaching": "ALARM", "notBreaching": "OK", "missing": "INSUFFICIENT_DATA", "ignore": None}
_FILLED = {
    "breaching": "Breaching",
    "notBreaching": "NonBreaching",
    "missing": "Missing",
    "ignore": "Ignored",
}


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """What an alarm holds against its metric; *needed* of the last *periods* points must breach."""

    comparison: str
    threshold: float
    periods: int
    needed: int
    missing: str = "missing"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What an evaluation says; a `state` of None leaves the alarm as it is."""

    state: str | None
    reason: str = ""
    points: tuple[float, ...] = ()


def evaluate(condition: Condition, values: Sequence[float | None]) -> Verdict:
    """Return the state that *values* lead to.

    Parameters
    ----------
    values
        One for each period, the oldest first, None where there is none: `periods + EXTRA_PERIODS` of them.
    """
    real = [value for value in values if value is not None]
    if not real:
        return _all_missing(condition)
    if len(real) >= condition.periods:
        return _judged(condition, real[-condition.periods :], filled=0)
    return _some_missing(condition, values, real)


def breaches(condition: Condition, value: float) -> bool:
    """Say whether one value is on the wrong side of the threshold."""
    compare, _words = _COMPARISONS[condition.comparison]
    return compare(value, condition.threshold)


def _all_missing(condition: Condition) -> Verdict:
    state = _BY_TREATMENT[condition.missing]
    count = _points(condition.periods)
    if condition.missing in ("missing", "ignore"):
        return Verdict(state=state, reason=f"Insufficient Data: {count} {_were(condition.periods)} unknown.")
    told = f"no datapoints were received for {condition.periods} period{_s(condition.periods)}"
    treated = (
        f"{condition.periods} missing {_points(condition.periods, number=False)} {_were(condition.periods)}"
    )
    reason = f"Threshold Crossed: {told} and {treated} treated as [{_FILLED[condition.missing]}]."
    return Verdict(state=state, reason=reason)


def _some_missing(condition: Condition, values: Sequence[float | None], real: list[float]) -> Verdict:
    filled = condition.periods - len(real)
    if condition.missing in ("breaching", "notBreaching"):
        return _judged(condition, real, filled=filled if condition.missing == "breaching" else 0)
    breaching = sum(breaches(condition, value) for value in real)
    if breaching >= condition.needed or breaching < len(real):
        return _judged(condition, real, filled=0)
    return _too_few_but_all_breaching(condition, values, real)


def _too_few_but_all_breaching(
    condition: Condition, values: Sequence[float | None], real: list[float]
) -> Verdict:
    """Return an alarm, once the oldest point is as old as the points that are needed; until then no change."""
    oldest = next(index for index, value in enumerate(values) if value is not None)
    is_old_enough = len(values) - oldest >= condition.needed
    if condition.missing == "missing" and is_old_enough:
        return Verdict(state="ALARM", reason=_told(condition, real, len(real)), points=tuple(real))
    return Verdict(state=None)


def _judged(condition: Condition, values: list[float], *, filled: int) -> Verdict:
    count = sum(breaches(condition, value) for value in values)
    state = "ALARM" if count + filled >= condition.needed else "OK"
    return Verdict(state=state, reason=_told(condition, values, count), points=tuple(values))


def _told(condition: Condition, values: list[float], breaching: int) -> str:
    _compare, words = _COMPARISONS[condition.comparison]
    shown = ", ".join(f"{value:g}" for value in reversed(values))
    count = f"{breaching} out of the last {_points(len(values))} [{shown}]"
    verb = "was" if breaching == 1 else "were"
    return f"Threshold Crossed: {count} {verb} {words} the threshold ({condition.threshold:g})."


def _points(count: int, *, number: bool = True) -> str:
    return f"{f'{count} ' if number else ''}datapoint{_s(count)}"


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
