"""A candidate's way to live: CREATING → WARMING → SHADOW or CANARY → LIVE, one leased and fenced step after the other.

Each step first reads the row and describes the endpoint; what an event says only makes us look sooner. A step that
crashes leaves a row with attention open and a lease that runs out: the reconciler takes it up from there.
"""

from datetime import timedelta

from chalicelib.inference import stepping, transitions
from chalicelib.inference.golden import check_answers, parse_golden
from chalicelib.inference.naming import endpoint_name, served_by
from chalicelib.inference.plan import EndpointPlan, plan_endpoint
from chalicelib.inference.ports import EndpointState
from chalicelib.inference.release_moves import ReleaseMove, making_again
from chalicelib.inference.states import CurrentRelease, Outcome, Refused, Request
from chalicelib.inference.validation import Validator
from chalicelib.inference.verdict import age_s
from chalicelib.inference.workflow import baking
from chalicelib.inference.workflow.context import Releasing
from chalicelib.inference.workflow.leasing import under_lease

from shared import metrics
from shared.entities.pipeline import seconds
from shared.entities.releasing import endpoint_of
from shared.entities.serving import Phase
from shared.entities.training import ModelVersion
from shared.errors import (
    Broken,
    ConditionFailed,
    HeadraceError,
    InvalidRequest,
    NotFound,
    QuotaExceeded,
    Unavailable,
)
from shared.events import Event, ReleaseCompleted, ReleaseRolledBack, ReleaseStarted

# SageMaker gives up on an endpoint by itself; this also ends what can never begin, such as a missing quota.
PATIENCE = timedelta(minutes=45)
_MINUTES = int(PATIENCE.total_seconds() / 60)
MAKING = (Phase.CREATING, Phase.RECREATING)


def advance(adapters: Releasing, pipeline: str) -> None:
    """Take the release of *pipeline* as far as it goes now; harmless at any time and any number of times."""
    release = adapters.releases.current(pipeline)
    if release is not None and release.candidate is not None:
        under_lease(adapters, release, _step_or_fail)
        release = adapters.releases.current(pipeline)
    if release is not None and release.phase is Phase.IDLE and release.attention:
        tell_end(adapters, release)


def on_endpoint_changed(adapters: Releasing, name: str) -> None:
    """Look at the release that the endpoint *name* belongs to; foreign names are ignored."""
    served = served_by(adapters.stage, name)
    if served is not None:
        advance(adapters, served[0])


def tell_end(adapters: Releasing, release: CurrentRelease) -> None:
    """Announce how the release ended, then close it; a crash in between tells it twice."""
    _announce(adapters, _end_of(release), release)
    try:
        adapters.releases.apply(release.pipeline, transitions.settle(release))
    except ConditionFailed:
        adapters.log.info("the next release began before this one was closed")


def _step_or_fail(adapters: Releasing, release: CurrentRelease) -> None:
    """Do the next steps; what can never succeed ends the release with its reason."""
    if release.candidate is None:
        return  # it ended between the look at the row and the lease
    try:
        release = _step(adapters, release)
    except (Refused, InvalidRequest, NotFound) as error:
        # Trying again gives the same answer; what is retryable flies instead.
        _fail(adapters, release, str(error))
        return
    except (QuotaExceeded, Broken, Unavailable) as error:
        _raise_while_in_time(adapters, release, error)
    else:
        # How long a trial may take while it is judged is the pipeline's own to say.
        if release.phase in (*baking.TRIALS, Phase.IDLE):
            return
    if _is_late(adapters, release):
        _fail(adapters, release, _too_late(release))


def _step(adapters: Releasing, release: CurrentRelease) -> CurrentRelease:
    """Return the release as far as it goes now."""
    model = adapters.models.get(release.pipeline, release.candidate or "")
    if release.phase in MAKING:
        release = _create(adapters, release, model)
    if release.phase is Phase.WARMING:
        release = _warm(adapters, release, model)
    return baking.judge_step(adapters, release) if release.phase in baking.TRIALS else release


def _too_late(release: CurrentRelease) -> str:
    if release.phase in baking.TRIALS:
        return f"nothing could be read of the trial for {_MINUTES} minutes; see the log"
    return f"not ready {_MINUTES} minutes after it was accepted"


def _raise_while_in_time(adapters: Releasing, release: CurrentRelease, error: HeadraceError) -> None:
    """Let an error fly that another try may not meet, until it is too late; a quota is waited for in silence."""
    if isinstance(error, QuotaExceeded):
        adapters.log.warning("waiting for a SageMaker quota", extra={"reason": str(error)})
    elif not _is_late(adapters, release):
        raise error
    else:
        # A missing permission, say: tried every minute, but a release must end.
        adapters.log.exception("the release cannot go on")


def _create(adapters: Releasing, release: CurrentRelease, model: ModelVersion) -> CurrentRelease:
    """Verify what was signed, then see that the endpoint is there or on its way."""
    # Told at every try: a crash between the accepting write and this would lose it, twice does no harm.
    started = ReleaseStarted(pipeline=release.pipeline, version=model.version, gen=release.gen)
    _announce(adapters, started, release)
    adapters.artifacts.verify(model)
    Validator(model.inputs)
    hosting = endpoint_of(adapters.pipelines.definition(release.pipeline).release)
    plan = plan_endpoint(model, hosting, stage=adapters.stage, role_arn=adapters.role_arn)
    if not _is_coming(adapters, plan, adapters.endpoints.describe(plan.name)):
        return release
    moved: CurrentRelease = adapters.releases.apply(
        release.pipeline, stepping.move(release, ReleaseMove.WARM, adapters.clock())
    )
    return moved


def _is_coming(adapters: Releasing, plan: EndpointPlan, state: EndpointState | None) -> bool:
    """Create the endpoint if there is none; say whether it exists now with the plan's content."""
    if state is None:
        adapters.endpoints.create(plan)
        return True
    if state.status == "Failed":
        # Of an earlier attempt; a failed endpoint can only be deleted, and the next look creates it anew.
        adapters.endpoints.delete(plan.name)
        return False
    if state.status not in {"Creating", "InService"}:
        return False
    if state.content != plan.content:
        raise Refused(f"endpoint {plan.name} exists with other content; delete it and promote again")
    return True


def _warm(adapters: Releasing, release: CurrentRelease, model: ModelVersion) -> CurrentRelease:
    """Once the endpoint serves, let it answer the golden rows; then it goes on trial, or live."""
    name = endpoint_name(adapters.stage, model.pipeline, model.version)
    state = adapters.endpoints.describe(name)
    if state is None:
        back = making_again(release.intent)
        again: CurrentRelease = adapters.releases.apply(
            release.pipeline, stepping.move(release, back, adapters.clock())
        )
        return again
    if state.status == "Failed":
        raise Refused(f"SageMaker could not start the endpoint: {state.reason or 'no reason given'}")
    if state.status != "InService":
        return release
    _prove(adapters, model, name)
    return baking.begin(adapters, release)


def _prove(adapters: Releasing, model: ModelVersion, endpoint: str) -> None:
    """Compare the endpoint's answers to the golden rows with what training answered."""
    rows = parse_golden(adapters.artifacts.golden(model))
    records = b"[" + b",".join(bytes(row.record) for row in rows) + b"]"
    check_answers(rows, adapters.runtime.invoke(endpoint, records, len(rows)))


def _fail(adapters: Releasing, release: CurrentRelease, reason: str) -> None:
    adapters.log.warning("release failed", extra={"version": release.candidate, "reason": reason})
    request = Request(who=release.who, why=reason, at=adapters.clock())
    adapters.releases.apply(release.pipeline, transitions.give_up(release, Outcome.FAILED, request))


def _is_late(adapters: Releasing, release: CurrentRelease) -> bool:
    """Say whether the release should have gone on long ago: since it was accepted, on trial since its step was to be judged."""
    since, allowed_s = release.accepted_at, PATIENCE.total_seconds()
    if release.phase in baking.TRIALS:
        since = release.step_since
        allowed_s += seconds(baking.policy_of(adapters, release.pipeline).max_bake)
    return age_s(since, adapters.clock()) > allowed_s


def _end_of(release: CurrentRelease) -> Event:
    if release.outcome == Outcome.LIVE and release.live:
        return ReleaseCompleted(
            pipeline=release.pipeline, version=release.live, gen=release.gen, previous=release.previous
        )
    return ReleaseRolledBack(
        pipeline=release.pipeline, version=release.live, gen=release.gen, reason=release.reason or ""
    )


def _announce(adapters: Releasing, event: Event, release: CurrentRelease) -> None:
    adapters.bus.announce(event, correlation_id=release.correlation_id)
    metrics.emit(
        {type(event).__name__: (1, "Count")},
        dimensions={"stage": adapters.stage, "service": "inference"},
        properties={"pipeline": release.pipeline, "reason": release.reason},
    )
    # Without the reason: a person may have written it. Whoever follows an upload through the log finds its release by this line.
    told = {
        "correlation_id": release.correlation_id,
        "pipeline": release.pipeline,
        "gen": release.gen,
        "event": type(event).__name__,
    }
    adapters.log.info("release told", extra=told)
