"""The alarms of a stage. Each says what it means, what silence means to it, and what to do when it fires."""

from collections.abc import Iterator
from typing import Literal

import msgspec

from infra.observability.metrics import (
    FUNCTIONS,
    SERVICES,
    Metric,
    of_api,
    of_function,
    of_queue,
    of_service,
)

MINUTE, FIVE_MINUTES = 60, 300


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm; *needed* of the last *periods* periods of *period_s* must breach.

    Attributes
    ----------
    subject
        What tells alarms of one name apart: a service, or service and function; empty for a single one.
    missing, silence
        How a period without data counts, and why.
    """

    name: str
    subject: str = ""
    metric: Metric
    comparison: Literal[">", ">=", "<"] = ">="
    threshold: float = 1
    period_s: int = FIVE_MINUTES
    periods: int = 1
    needed: int = 1
    missing: Literal["breaching", "notBreaching"] = "notBreaching"
    means: str
    silence: str
    remedy: str

    @property
    def full_name(self) -> str:
        """The alarm's name on a stage."""
        return "-".join(part for part in ("headrace-${Stage}", self.name, self.subject) if part)


def alarms() -> list[Alarm]:
    """Return all alarms of a stage."""
    return [
        *_of_event_handling(),
        *_of_apis(),
        *_of_functions(),
        *_of_training(),
        *_of_inference(),
    ]


def _of_event_handling() -> Iterator[Alarm]:
    for service in SERVICES:
        yield Alarm(
            name="DeadLetters",
            subject=service,
            metric=of_queue(service),
            comparison=">",
            threshold=0,
            period_s=MINUTE,
            means="An event could not be handled after all retries and lies in the service's dead-letter queue.",
            silence="SQS measures no queue that has been empty and unused for six hours.",
            remedy="headrace dlq ls; mend the cause, then headrace dlq redrive.",
        )
    for service in SERVICES:
        yield Alarm(
            name="ReconcilerSilent",
            subject=service,
            metric=of_service("ReconcilerTick", service),
            comparison="<",
            threshold=1,
            missing="breaching",
            means="The service's reconciler has finished no round for five minutes: lost events stay lost.",
            silence="Silence is what this alarm is for.",
            remedy=f"headrace logs {service} --level error; look whether the schedule's rule is enabled.",
        )


def _of_apis() -> Iterator[Alarm]:
    for service in SERVICES:
        yield Alarm(
            name="Api5xx",
            subject=service,
            metric=of_api("5XXError", service, "Sum"),
            comparison=">=",
            threshold=5,
            means="The API answered five requests within five minutes with a fault of ours.",
            silence="No requests, no errors.",
            remedy=f"headrace logs {service} --level error; the request_id of an answer finds its lines.",
        )
    for service in SERVICES:
        yield Alarm(
            name="HighLatency",
            subject=service,
            metric=of_api("Latency", service, "p95"),
            comparison=">",
            threshold=3000,
            period_s=MINUTE,
            periods=5,
            needed=3,
            means="In three of the last five minutes one answer in twenty took longer than three seconds.",
            silence="No requests, no latency. Three minutes, or every first request of a morning would be one: it is cold.",
            remedy="headrace metrics P: is it the model, or (all of them) the functions' start?",
        )


def _of_functions() -> Iterator[Alarm]:
    for service, functions in FUNCTIONS.items():
        for function in functions:
            yield Alarm(
                name="FunctionErrors",
                subject=f"{service}-{function}",
                metric=of_function("Errors", service, function, "Sum"),
                comparison=">=",
                threshold=3,
                means="The function failed three times within five minutes: one event with all its retries, or several.",
                silence="A function that does not run does not fail.",
                remedy=f"headrace logs {service} shows the exception; what was lost is among the dead letters.",
            )


def _of_training() -> Iterator[Alarm]:
    yield Alarm(
        name="StuckJob",
        metric=of_service("StuckJob", "training"),
        means="A training job ran longer than its limit allows and was stopped.",
        silence="The metric is written only when it happens.",
        remedy="headrace jobs ls; headrace jobs log ID says how far it came.",
    )
    yield Alarm(
        name="JobWaiting",
        metric=of_service("JobWaiting", "training"),
        means="A training job has waited over an hour for room, or waits for a quota that none of our jobs uses.",
        silence="The metric is written only while it happens, once a minute.",
        remedy="headrace jobs ls shows waiting_reason; ask AWS Service Quotas for what it names.",
    )


def _of_inference() -> Iterator[Alarm]:
    yield Alarm(
        name="LogDropped",
        metric=of_service("LogDropped", "inference"),
        means="A line of the prediction log could not be read: predictions are missing from the record.",
        silence="The metric is written only when it happens.",
        remedy="headrace logs inference; something writes into the log that is no prediction of ours.",
    )
    yield Alarm(
        name="RollbackHappened",
        metric=of_service("ReleaseRolledBack", "inference"),
        means="A release ended with an older version live: by its trial's verdict, by a failure, or by a person.",
        silence="The metric is written only when it happens.",
        remedy="headrace history P says who or what, and why.",
    )
    yield Alarm(
        name="DriftDetected",
        metric=of_service("DriftDetected", "inference"),
        means="What a live version answers costs well more than it did at release, or its pipeline wants to hear of any drift.",
        silence="The metric is written at each look while it lasts.",
        remedy="headrace drift P says what moved and what it costs; new data and a training, or a rollback, mend it.",
    )
