"""One request to the version that the release routes it to; what a candidate cannot answer, live answers.

A caller never pays for a release: a candidate that fails costs time, not an answer. While one is on trial, every
attempt is counted for the verdict over it.
"""

import time

from chalicelib.inference.answers import Answer
from chalicelib.inference.attempts import Attempt
from chalicelib.inference.formats import to_json
from chalicelib.inference.measuring import measure
from chalicelib.inference.naming import endpoint_name, is_version
from chalicelib.inference.routing import Route, choose
from chalicelib.inference.states import CurrentRelease, Waking
from chalicelib.inference.tally import Step, one_request
from chalicelib.inference.workflow.context import Asked, Predicting

from shared.errors import Conflict, HeadraceError, InvalidRequest, NotFound, QuotaExceeded, Unavailable

ON_TRIAL = ("canary", "shadow")
# API Gateway hangs up after 29 s: another attempt after this would be for nobody.
LAST_ATTEMPT_MS = 25_000.0


def answer(adapters: Predicting, asked: Asked) -> tuple[Attempt, CurrentRelease | None, Route]:
    """Return the attempt that answered, with the release and the route it was made under.

    Raises
    ------
    HeadraceError
        Nobody could answer: what the last one who tried says.
    """
    release, route = _route(adapters, asked)
    first = _attempt(adapters, asked, route.version, route.role)
    if isinstance(first.error, NotFound) and route.role == "live":
        # The row that was remembered may be older than what was deleted since.
        adapters.router.forget(asked.pipeline)
        release, route = _route(adapters, asked)
        first = _attempt(adapters, asked, route.version, route.role)
    attempts = [first]
    if first.error and route.instead and first.latency_ms < LAST_ATTEMPT_MS:
        attempts.append(_attempt(adapters, asked, route.instead, "live"))
    last = attempts[-1]
    for attempt in attempts:
        measure(adapters.stage, asked.pipeline, asked.request_id, attempt)
        _count(adapters, release, attempt, is_callers_fault=isinstance(last.error, InvalidRequest))
    if last.error:
        raise _told(asked, last)
    _touch(adapters, asked.pipeline)
    return last, release, route


def _route(adapters: Predicting, asked: Asked) -> tuple[CurrentRelease | None, Route]:
    """Return the release row and who shall answer under it."""
    if asked.version is not None:
        if not is_version(asked.version):
            raise InvalidRequest(f"version={asked.version[:20]!r} is not spelled like v3")
        return None, Route(version=asked.version, role="pinned")
    # No check that the pipeline exists before: that would cost a read for every prediction.
    release: CurrentRelease | None = adapters.router.release(asked.pipeline)
    route = (
        choose(release, asked.records.routing_key, adapters.router.draw(asked.pipeline)) if release else None
    )
    if release is None or route is None:
        adapters.pipelines.get(asked.pipeline)
        raise Conflict(
            f"nothing is live yet: pipeline {asked.pipeline!r} has not released a model version; "
            f"GET /v1/endpoints/{asked.pipeline} says how far it is"
        )
    if release.asleep_at:
        adapters.router.forget(asked.pipeline)
        adapters.wake(asked.pipeline)
        raise Waking(f"{release.live} of {asked.pipeline} slept; it is being started")
    return release, route


def _attempt(adapters: Predicting, asked: Asked, version: str, role: str) -> Attempt:
    """Let one version answer, and return what came of it."""
    began = time.perf_counter()
    error: HeadraceError | None = None
    records = b"[]"
    answers: list[Answer] = []
    cold = adapters.router.is_cold(asked.pipeline, version)
    try:
        served = adapters.router.served(asked.pipeline, version)
        records = to_json(asked.records, served.validator.inputs)
        rows = served.validator.check(records)
        answers = _invoke(adapters, asked, version, role, records, rows)
    except HeadraceError as caught:
        error = caught
    return Attempt(
        version=version,
        role=role,
        latency_ms=(time.perf_counter() - began) * 1000,
        cold=cold,
        records=records,
        answers=answers,
        error=error,
    )


def _invoke(
    adapters: Predicting, asked: Asked, version: str, role: str, records: bytes, rows: int
) -> list[Answer]:
    endpoint = endpoint_name(adapters.stage, asked.pipeline, version)
    try:
        return adapters.runtime.invoke(endpoint, records, rows)
    except NotFound:
        if role == "pinned":
            raise Conflict(
                f"{version} of pipeline {asked.pipeline!r} has no endpoint in service now"
            ) from None
        raise


def _told(asked: Asked, attempt: Attempt) -> HeadraceError:
    """Return the error as the caller shall hear it."""
    error = attempt.error
    if not isinstance(error, NotFound):
        return error or Unavailable("nobody answered")
    if attempt.role != "pinned":
        # Live by the row, absent at SageMaker: the reconciler makes it again, the caller may retry.
        return Unavailable(f"{attempt.version} of {asked.pipeline} is live but its endpoint is not there")
    return error


def _count(
    adapters: Predicting, release: CurrentRelease | None, attempt: Attempt, *, is_callers_fault: bool
) -> None:
    """Add the attempt to what the verdict over a release on trial rests on."""
    if release is None or release.mode not in ON_TRIAL or is_callers_fault:
        return
    tally = one_request(attempt.latency_ms, failed=attempt.error is not None, cold=attempt.cold)
    step = Step(pipeline=release.pipeline, gen=release.gen, version=attempt.version, step=release.step)
    try:
        adapters.traffic.add(step, tally, adapters.clock())
    except (Unavailable, QuotaExceeded):
        # A verdict waits a request longer; the answer does not.
        adapters.log.warning("attempt not counted", exc_info=True)


def _touch(adapters: Predicting, pipeline: str) -> None:
    """Say that the pipeline is in use, so that nobody sends it to sleep."""
    try:
        adapters.usage.touch(pipeline, adapters.clock())
    except (Unavailable, QuotaExceeded):
        adapters.log.warning("use not written down", exc_info=True)
