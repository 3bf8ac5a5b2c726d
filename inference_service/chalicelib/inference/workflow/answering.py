"""One request to the version that the release routes it to; what a candidate cannot answer, live answers.

A caller never pays for a release: a candidate that fails costs time, not an answer. While one is on trial, every
attempt is counted for the verdict over it.
"""

import msgspec
from chalicelib.inference.answers import Answer
from chalicelib.inference.attempts import NOTHING, Attempt, Copy
from chalicelib.inference.fitting import fit
from chalicelib.inference.laps import Laps
from chalicelib.inference.measuring import measure
from chalicelib.inference.naming import is_version
from chalicelib.inference.routing import Route, choose, nothing_live
from chalicelib.inference.states import CurrentRelease, Waking
from chalicelib.inference.tally import one_request, step_of
from chalicelib.inference.workflow.asking import ask
from chalicelib.inference.workflow.context import Asked, Predicting
from chalicelib.inference.workflow.recording import record_failure

from shared.errors import Conflict, HeadraceError, InvalidRequest, NotFound, QuotaExceeded, Unavailable

# Another version that is asked after this would have too little left of the time there is (see ``asking``).
LAST_ATTEMPT_MS = 25_000.0


def answer(adapters: Predicting, asked: Asked, laps: Laps) -> Attempt:
    """Return the attempt that answered; *laps* is told of every hop.

    Raises
    ------
    HeadraceError
        Nobody could answer: what the last one who tried says.
    """
    release, route = _route(adapters, asked)
    laps.end("route")
    attempts = [attempt(adapters, asked, route, laps)]
    if isinstance(attempts[0].error, NotFound) and route.role == "live":
        # The row that was remembered may be older than what was deleted since.
        adapters.router.forget(asked.pipeline)
        release, route = _route(adapters, asked)
        attempts = [attempt(adapters, asked, route, laps)]
    instead = _instead(route, attempts[0])
    if instead:
        attempts.append(attempt(adapters, asked, instead, laps))
    last = attempts[-1]
    _tell_of(adapters, asked, release, attempts)
    if last.error:
        raise _told(asked, last)
    if release and route.shadow:
        _hand_over(adapters, asked, release, last)
    _touch(adapters, asked.pipeline)
    return last


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
            f"{nothing_live(asked.pipeline, release)}; GET /v1/endpoints/{asked.pipeline} says how far it is"
        )
    if release.asleep_at:
        adapters.router.forget(asked.pipeline)
        adapters.wake(asked.pipeline)
        raise Waking(f"{release.live} of {asked.pipeline} slept; it is being started")
    return release, route


def _instead(route: Route, first: Attempt) -> Route | None:
    """Return the way to the version that answers what the *first* one could not, if there is one and time for it."""
    if first.error is None or route.instead is None or first.latency_ms >= LAST_ATTEMPT_MS:
        return None
    return Route(version=route.instead)


def _tell_of(
    adapters: Predicting, asked: Asked, release: CurrentRelease | None, attempts: list[Attempt]
) -> None:
    """Measure, count and, where they failed, write down all attempts at a request."""
    is_callers_fault = isinstance(attempts[-1].error, InvalidRequest)
    for made in attempts:
        measure(adapters.stage, asked.pipeline, asked.request_id, made)
        _count(adapters, release, made, is_callers_fault=is_callers_fault)
        if made.has_failed:
            record_failure(adapters, asked, made)


def attempt(adapters: Predicting, asked: Asked, route: Route, laps: Laps) -> Attempt:
    """Let one version answer, and return what came of it."""
    own = Laps(adapters.seconds)
    error: HeadraceError | None = None
    fitted, answers = NOTHING, list[Answer]()
    cold = adapters.router.is_cold(asked.pipeline, route.version)
    try:
        served = adapters.router.served(asked.pipeline, route.version)
        fitted = fit(asked.records, served.validator, asked.rules)
        laps.end("validate")
        if route.role != "shadow" and not asked.rules.per_row:
            # Now, so that it is done when the model has answered.
            adapters.inputs.begin(asked.pipeline, asked.request_id, fitted.records)
        fitted, answers = ask(adapters, asked, route, fitted, laps)
        if asked.rules.per_row:
            # Only now is it known which records are answered.
            adapters.inputs.begin(asked.pipeline, asked.request_id, fitted.records)
    except HeadraceError as caught:
        error = caught
    laps.end("endpoint")
    return Attempt(
        version=route.version,
        role=route.role,
        latency_ms=own.total_ms(),
        cold=cold,
        fitted=fitted,
        answers=answers,
        error=error,
    )


def _told(asked: Asked, made: Attempt) -> HeadraceError:
    """Return the error as the caller shall hear it."""
    error = made.error
    if not isinstance(error, NotFound):
        return error or Unavailable("nobody answered")
    if made.role != "pinned":
        # Live by the row, absent at SageMaker: the reconciler makes it again, the caller may retry.
        return Unavailable(f"{made.version} of {asked.pipeline} is live but its endpoint is not there")
    return error


def _count(
    adapters: Predicting, release: CurrentRelease | None, made: Attempt, *, is_callers_fault: bool
) -> None:
    """Add the attempt to what the verdict over a release on trial rests on."""
    step = step_of(release, made.version)
    if step is None or is_callers_fault:
        return
    tally = one_request(made.latency_ms, failed=made.error is not None, cold=made.cold)
    try:
        adapters.traffic.add(step, tally, adapters.clock())
    except (Unavailable, QuotaExceeded):
        # A verdict waits a request longer; the answer does not.
        adapters.log.warning("attempt not counted", exc_info=True)


def _hand_over(adapters: Predicting, asked: Asked, release: CurrentRelease, made: Attempt) -> None:
    """Begin to send the shadow a copy of what live answered."""
    adapters.copies.begin(
        Copy(
            pipeline=asked.pipeline,
            gen=release.gen,
            version=release.candidate or "",
            request_id=asked.request_id,
            records=msgspec.Raw(made.fitted.records),
            answers=made.answers,
        )
    )


def _touch(adapters: Predicting, pipeline: str) -> None:
    """Say that the pipeline is in use, so that nobody sends it to sleep."""
    try:
        adapters.usage.touch(pipeline, adapters.clock())
    except (Unavailable, QuotaExceeded):
        adapters.log.warning("use not written down", exc_info=True)
