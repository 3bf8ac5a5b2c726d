"""CloudWatch: alarms are judged every minute, by all that they say, and tell whom they should."""

import json
import logging
from functools import partial
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import cloudwatch, eventbridge, sns, sqs

from localcloud.cloudwatch import notices
from localcloud.cloudwatch.clock import CLOCK, MINUTE_S
from localcloud.cloudwatch.evaluation import EXTRA_PERIODS, Condition, Verdict, evaluate
from localcloud.mends import dead_letters, metric_store
from localcloud.mends.patch_points import require, wraps
from localcloud.settings import ACCOUNT_ID, REGION, Settings

MEND = "alarms"
HISTORY = 1000
_HOUR_MINUTES = 60
_log = logging.getLogger("localcloud.alarms")


def mend(settings: Settings) -> None:
    """Judge alarms by dimensions, datapoints and missing data once a minute; tell SNS and EventBridge.

    AWS: evaluates each alarm every minute over the last whole minutes, of exactly its metric; treats missing points
    as the alarm says; tells its actions and puts "CloudWatch Alarm State Change" on the bus at each change of state
    (user guide, "Alarm evaluation", "Alarm events and EventBridge").
    MiniStack 1.5.33: evaluates when something calls PutMetricData and never else, over the points of all metrics of
    that name whatever their dimensions; knows neither datapoints nor missing data nor the event (read, tried). It writes down
    a change of state from INSUFFICIENT_DATA to the same when an alarm is made.
    """
    del settings
    require(MEND, cloudwatch, "_evaluate_alarm", "if k_ns == ns and k_mn == mn:")
    require(MEND, cloudwatch, "_evaluate_all_alarms", "_evaluate_alarm(alarm)")
    require(MEND, cloudwatch, "_dispatch_alarm_actions", "_sns._fanout(topic_arn")
    require(MEND, cloudwatch, "_stat_value", "stats, stat_name, points=None")
    record = require(MEND, cloudwatch, "_record_history", "_history_entries().append(")
    require(MEND, cloudwatch, "_evaluate_parent_alarms", "_transition_composite(")
    require(MEND, sqs, "_refresh_counts", '"ApproximateNumberOfMessages"] = str(visible)')
    require(MEND, sns, "publish_internal", 'subject: str = ""')
    # An alarm waits for its minute, whatever comes meanwhile.
    cloudwatch._evaluate_alarm = lambda _alarm: None
    cloudwatch._evaluate_all_alarms = lambda: None
    cloudwatch._dispatch_alarm_actions = tell

    @wraps(record)
    def record_change(name: str, before: str, after: str, *rest: Any, **more: Any) -> None:
        if before != after:
            record(name, before, after, *rest, **more)

    cloudwatch._record_history = record_change


def judge_all(minute: float) -> None:
    """Measure what is only looked at, then judge every alarm by the minutes before *minute*."""
    with request_scope(ACCOUNT_ID, REGION):
        _measure_queues()
        for alarm in list(cloudwatch._alarms.values()):
            try:
                _judge(alarm, minute)
            except Exception:  # noqa: BLE001 - the supervisor of all alarms: a strange one must not silence the others
                _log.exception("alarm %s could not be evaluated", alarm.get("AlarmName"))
        if minute // MINUTE_S % _HOUR_MINUTES == 0:
            metric_store.thin()
            del cloudwatch._history_entries()[:-HISTORY]


def tell(alarm: dict[str, Any], before: str, after: str, reason: str) -> None:
    """Tell an alarm's change of state; signature as MiniStack's own."""
    was = alarm.pop("_before", {})
    change = notices.Change(
        before=before,
        after=after,
        reason=reason,
        at_s=CLOCK.time(),
        before_reason=was.get("reason", ""),
        before_at_s=was.get("at_s", 0.0),
        account=ACCOUNT_ID,
        region=REGION,
    )
    event = notices.event(alarm, change)
    view = eventbridge._pattern_event_view(event)
    eventbridge._dispatch_event(event, view)
    eventbridge._archive_event(event, view)
    if alarm.get("ActionsEnabled", True):
        _act(alarm, change)


def _act(alarm: dict[str, Any], change: notices.Change) -> None:
    kind = {"ALARM": "AlarmActions", "OK": "OKActions"}.get(change.after, "InsufficientDataActions")
    subject, body = notices.message(alarm, change)
    for action in alarm.get(kind) or []:
        if cloudwatch._is_sns_action_arn(action):
            dead_letters.over_tls(partial(sns.publish_internal, action, body, subject))


def _measure_queues() -> None:
    """Record what waits in each queue; CloudWatch gets it from SQS once a minute as well."""
    for queue in list(sqs._queues.values()):
        sqs._refresh_counts(queue)
        dimensions = {"QueueName": queue["name"]}
        waiting = float(queue["attributes"]["ApproximateNumberOfMessages"])
        # A point of the minute that ends, and not of the one that begins.
        point = {
            "Timestamp": CLOCK.time() - MINUTE_S,
            "Value": waiting,
            "Unit": "Count",
            "Dimensions": dimensions,
        }
        key = ("AWS/SQS", "ApproximateNumberOfMessagesVisible", cloudwatch._dims_key(dimensions))
        cloudwatch._metric_bucket(key).append(point)


def _judge(alarm: dict[str, Any], minute: float) -> None:
    condition = _condition(alarm)
    verdict = evaluate(condition, _values(alarm, condition, minute))
    if verdict.state is None or verdict.state == alarm["StateValue"]:
        return
    if not verdict.points and condition.missing == "breaching" and not _has_watched(alarm, condition, minute):
        return
    _change(alarm, verdict)


def _condition(alarm: dict[str, Any]) -> Condition:
    periods = int(alarm.get("EvaluationPeriods") or 1)
    return Condition(
        comparison=alarm["ComparisonOperator"],
        threshold=float(alarm["Threshold"]),
        periods=periods,
        needed=int(alarm.get("DatapointsToAlarm") or periods),
        missing=alarm.get("TreatMissingData") or "missing",
    )


def _values(alarm: dict[str, Any], condition: Condition, minute: float) -> list[float | None]:
    """Return the statistic of each period before *minute*, the oldest first; None where there are no points."""
    period = _period_s(alarm)
    count = condition.periods + EXTRA_PERIODS
    first = minute - count * period
    windows: list[list[dict[str, Any]]] = [[] for _ in range(count)]
    for point in _points(alarm):
        if first <= point["Timestamp"] < minute:
            windows[int((point["Timestamp"] - first) // period)].append(point)
    return [_statistic(alarm, window) for window in windows]


def _points(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the points of the alarm's metric; an alarm that names a unit sees those in it only."""
    dimensions = cloudwatch._dims_from_list(alarm.get("Dimensions") or [])
    key = (alarm["Namespace"], alarm["MetricName"], cloudwatch._dims_key(dimensions))
    unit = alarm.get("Unit")
    return [p for p in cloudwatch._metrics.get(key) or () if not unit or p.get("Unit") == unit]


def _period_s(alarm: dict[str, Any]) -> int:
    # Nothing is judged more often than once a minute.
    return max(MINUTE_S, int(alarm.get("Period") or MINUTE_S))


def _statistic(alarm: dict[str, Any], points: list[dict[str, Any]]) -> float | None:
    if not points:
        return None
    name = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    value = cloudwatch._stat_value(cloudwatch._calc_stats(points), name, points)
    return None if value is None else float(value)


def _has_watched(alarm: dict[str, Any], condition: Condition, minute: float) -> bool:
    """Say whether this cloud has run for as long as the alarm looks back.

    AWS is never switched off. A laptop is: what did not happen while nothing ran is no silence.
    """
    return minute - CLOCK.started_at >= condition.periods * _period_s(alarm)


def _change(alarm: dict[str, Any], verdict: Verdict) -> None:
    before, after = alarm["StateValue"], verdict.state or alarm["StateValue"]
    now = int(CLOCK.time())
    alarm["_before"] = {
        "reason": alarm.get("StateReason", ""),
        "at_s": alarm.get("StateUpdatedTimestamp", now),
    }
    alarm |= {
        "StateValue": after,
        "StateReason": verdict.reason,
        "StateReasonData": json.dumps({"version": "1.0", "recentDatapoints": list(verdict.points)}),
        "StateUpdatedTimestamp": now,
        "StateTransitionedTimestamp": now,
    }
    cloudwatch._record_history(alarm["AlarmName"], before, after, verdict.reason)
    tell(alarm, before, after, verdict.reason)
    cloudwatch._evaluate_parent_alarms(alarm)
