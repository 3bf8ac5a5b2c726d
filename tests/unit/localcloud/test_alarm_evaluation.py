"""The two tables of CloudWatch's user guide, "Configuring how CloudWatch alarms treat missing data"."""

import pytest

from localcloud.cloudwatch.evaluation import Condition, evaluate

TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
KEEP = None
# points, oldest first (0 is fine, X breaches, - is missing); the state by each treatment
THREE_OF_THREE = [
    ("0-X-X", ("OK", "OK", "OK", "OK")),
    ("0----", ("OK", "OK", "OK", "OK")),
    ("-----", ("INSUFFICIENT_DATA", KEEP, "ALARM", "OK")),
    ("0XX-X", ("ALARM", "ALARM", "ALARM", "ALARM")),
    ("--X--", ("ALARM", KEEP, "ALARM", "OK")),
]
TWO_OF_THREE = [
    ("0-X-X", ("ALARM", "ALARM", "ALARM", "ALARM")),
    ("00X0X", ("ALARM", "ALARM", "ALARM", "ALARM")),
    ("0-X--", ("OK", "OK", "ALARM", "OK")),
    ("----0", ("OK", "OK", "ALARM", "OK")),
    ("---X-", ("ALARM", KEEP, "ALARM", "OK")),
]
ROWS = [
    (needed, points, treatment, state)
    for needed, table in ((3, THREE_OF_THREE), (2, TWO_OF_THREE))
    for points, states in table
    for treatment, state in zip(TREATMENTS, states, strict=True)
]


def _values(points: str) -> list[float | None]:
    return [{"0": 0.0, "X": 9.0, "-": None}[point] for point in points]


@pytest.mark.parametrize(("needed", "points", "treatment", "state"), ROWS)
def test_the_state_is_that_of_the_guides_table(
    needed: int, points: str, treatment: str, state: str | None
) -> None:
    condition = Condition(
        comparison="GreaterThanThreshold", threshold=5, periods=3, needed=needed, missing=treatment
    )
    assert evaluate(condition, _values(points)).state == state


@pytest.mark.parametrize("treatment", TREATMENTS)
def test_points_from_before_the_evaluated_periods_do_not_count_where_there_are_enough(treatment: str) -> None:
    condition = Condition(
        comparison="GreaterThanThreshold", threshold=5, periods=3, needed=2, missing=treatment
    )
    assert evaluate(condition, _values("XXX00")).state == "OK"
    assert evaluate(condition, _values("X-X00")).state == "OK"


@pytest.mark.parametrize(
    ("comparison", "breaching", "fine"),
    [
        ("GreaterThanThreshold", 5.1, 5.0),
        ("GreaterThanOrEqualToThreshold", 5.0, 4.9),
        ("LessThanThreshold", 4.9, 5.0),
        ("LessThanOrEqualToThreshold", 5.0, 5.1),
    ],
)
def test_a_comparison_is_exact_at_the_threshold(comparison: str, breaching: float, fine: float) -> None:
    condition = Condition(comparison=comparison, threshold=5, periods=1, needed=1)
    assert evaluate(condition, [None, None, breaching]).state == "ALARM"
    assert evaluate(condition, [None, None, fine]).state == "OK"


def test_the_reason_says_what_was_counted() -> None:
    condition = Condition(comparison="GreaterThanThreshold", threshold=0, periods=1, needed=1)
    told = evaluate(condition, [None, None, 4.0]).reason
    assert told == "Threshold Crossed: 1 out of the last 1 datapoint [4] was greater than the threshold (0)."
    silent = Condition(comparison="LessThanThreshold", threshold=1, periods=1, needed=1, missing="breaching")
    told = evaluate(silent, [None, None, None]).reason
    assert "no datapoints were received for 1 period" in told
    assert "treated as [Breaching]" in told


def test_a_lone_breaching_point_waits_until_it_is_as_old_as_the_points_that_are_needed() -> None:
    condition = Condition(comparison="GreaterThanThreshold", threshold=5, periods=3, needed=2)
    assert evaluate(condition, _values("----X")).state is None
