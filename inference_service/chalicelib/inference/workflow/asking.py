"""One version asked for the records of a request: once more where that is safe and in time, row by row where that is wanted.

API Gateway hangs up after 29 s and Lambda ends the function then. So every question is told how long it may take.
"""

from collections.abc import Callable
from functools import partial

import msgspec
from chalicelib.inference.answers import Answer
from chalicelib.inference.faults import Faults
from chalicelib.inference.fitting import Fitted
from chalicelib.inference.formats import join
from chalicelib.inference.halving import ask_in_halves
from chalicelib.inference.laps import Laps
from chalicelib.inference.naming import endpoint_name
from chalicelib.inference.routing import Route
from chalicelib.inference.validation import split
from chalicelib.inference.workflow.context import Asked, Predicting

from shared.errors import (
    BadGateway,
    Conflict,
    FieldError,
    InvalidBody,
    NotFound,
    PayloadTooLarge,
    TimedOut,
    Unavailable,
)

# What is over then is still written down and sent before anybody hangs up.
BUDGET_S = 27.0
_LEAST_S = 0.5
# A second try after that would have little left.
RETRY_WITHIN_S = 2.0
RETRY_PAUSE_S = 0.1
# How long it may take until the next smaller part is asked for: 1,000 rows with a bad one take 20 questions.
APART_MS = 10_000.0


def ask(
    adapters: Predicting, asked: Asked, route: Route, fitted: Fitted, laps: Laps
) -> tuple[Fitted, list[Answer]]:
    """Return the answers, and the records that they are to: where rows are told apart, without those the model refuses."""
    try:
        return fitted, _ask(adapters, asked, route, laps, fitted)
    except (InvalidBody, PayloadTooLarge) as refusal:
        # What a candidate refuses, live may take.
        if not asked.rules.per_row or route.instead or fitted.count == 1:
            raise
        return _ask_apart(partial(_ask, adapters, asked, route, laps), fitted, laps, refusal)


def _ask_apart(
    put: Callable[[Fitted], list[Answer]], fitted: Fitted, laps: Laps, refusal: InvalidBody | PayloadTooLarge
) -> tuple[Fitted, list[Answer]]:
    """Find the records that the model refuses; raises the *refusal* of all where none is good or there is no time."""
    places = range(fitted.count) if fitted.places is None else fitted.places
    rows = list(zip(places, split(fitted.records), strict=True))

    def part(records: list[msgspec.Raw]) -> list[Answer]:
        return put(Fitted(records=join(records), count=len(records)))

    answers: dict[int, Answer] = {}
    faults = dict(fitted.faults)
    try:
        for found, told in ask_in_halves(part, rows, lambda: laps.total_ms() < APART_MS):
            if isinstance(told, str):
                wrong = FieldError(pointer=f"/records/{found[0]}", detail=told)
                faults[found[0]] = Faults(named=(wrong,))
            else:
                answers |= dict(zip(found, told, strict=True))
    except (InvalidBody, PayloadTooLarge):
        raise refusal from None
    if not answers:
        raise refusal
    return _answered(rows, answers, faults)


def _answered(
    rows: list[tuple[int, msgspec.Raw]], answers: dict[int, Answer], faults: dict[int, Faults]
) -> tuple[Fitted, list[Answer]]:
    good = [(place, record) for place, record in rows if place in answers]
    left = Fitted(
        records=join(record for _, record in good),
        count=len(good),
        places=[place for place, _ in good],
        faults=faults,
    )
    return left, [answers[place] for place, _ in good]


def _ask(adapters: Predicting, asked: Asked, route: Route, laps: Laps, fitted: Fitted) -> list[Answer]:
    began = adapters.seconds()
    try:
        return _invoke(adapters, asked, route, laps, fitted)
    except (BadGateway, TimedOut):
        # The records reached the model: they would fail or take as long once more.
        raise
    except Unavailable:
        # Where another version can answer, that is the better second try.
        if route.instead or adapters.seconds() - began > RETRY_WITHIN_S:
            raise
    # Throttled, or a connection that broke: a prediction changes nothing, so it may be asked for twice.
    adapters.pause(RETRY_PAUSE_S * (0.5 + adapters.draw()))
    return _invoke(adapters, asked, route, laps, fitted)


def _invoke(adapters: Predicting, asked: Asked, route: Route, laps: Laps, fitted: Fitted) -> list[Answer]:
    endpoint = endpoint_name(adapters.stage, asked.pipeline, route.version)
    left_s = max(BUDGET_S - laps.total_ms() / 1000, _LEAST_S)
    try:
        return adapters.runtime.invoke(endpoint, fitted.records, fitted.count, within_s=left_s)
    except NotFound:
        if route.role == "pinned":
            raise Conflict(
                f"{route.version} of pipeline {asked.pipeline!r} has no endpoint in service now"
            ) from None
        raise
