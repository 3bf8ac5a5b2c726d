"""What people and events ask for: promote, roll back, stop."""

from chalicelib.inference import transitions
from chalicelib.inference.naming import endpoint_name
from chalicelib.inference.states import AUTOMATIC, CurrentRelease, Intent, Request, Transition
from chalicelib.inference.workflow import baking, deleting, mending, rollout
from chalicelib.inference.workflow.context import Releasing

from shared.entities.training import ModelState, ModelVersion
from shared.errors import ConditionFailed, Conflict, HeadraceError, NotFound
from shared.events import ModelVersionApproved

_TRIES = 3  # of a request that lost against another writer
# A rollback wins against whoever is quicker; more than this cannot be ahead of it while it asks.
_ROLLBACK_TRIES = 20


def on_model_approved(adapters: Releasing, event: ModelVersionApproved) -> None:
    """Release a version that was approved, once; what the event says is read again from the row."""
    try:
        model = adapters.models.get(event.pipeline, event.version)
        release_if_new(adapters, model)
    except NotFound as error:
        adapters.log.warning("approved version not found", extra={"reason": str(error)})
        return
    rollout.advance(adapters, event.pipeline)


def release_if_new(adapters: Releasing, model: ModelVersion) -> None:
    """Accept *model* unless it was tried before: a late duplicate must not undo a rollback.

    Refusals are left to the reconciler, which asks again while they may still pass. A version of a pipeline that was
    deleted is none of the one that has its name now.

    Raises
    ------
    NotFound
        The pipeline is deleted.
    """
    release, life = deleting.standing(adapters, model.pipeline)
    adapters.pipelines.get(model.pipeline)
    is_new = model.state is ModelState.APPROVED and model.life >= life
    if not is_new or adapters.releases.was_tried(model.pipeline, model.version):
        return
    request = Request(who=AUTOMATIC, why=f"{model.version} was approved", at=adapters.clock())
    try:
        adapters.releases.apply(model.pipeline, transitions.accept(release, model, request, life=life))
    except Conflict as error:
        adapters.log.info("not released now", extra={"version": model.version, "reason": str(error)})


def promote(
    adapters: Releasing, pipeline: str, version: str, request: Request, *, force: bool = False
) -> CurrentRelease:
    """Accept a person's wish for *version* and begin; the row says how it goes on.

    Raises
    ------
    NotFound
        There is no such version, or the pipeline is deleted.
    Conflict
        Something rolls out, or the version may not go live; the message says which.
    """
    model = adapters.models.get(pipeline, version)
    for _ in range(_TRIES):
        release, life = deleting.standing(adapters, pipeline)
        adapters.pipelines.get(pipeline)
        transition = transitions.accept(release, model, request, life=life, force=force)
        if _applied(adapters, pipeline, transition):
            return _begin(adapters, pipeline)
        model = adapters.models.get(pipeline, version)
    raise Conflict(f"pipeline {pipeline!r} keeps changing; read its endpoint and ask again")


def roll_back(adapters: Releasing, pipeline: str, request: Request) -> CurrentRelease:
    """Go back: to live while something rolls out, else to previous. It always wins.

    Where the previous endpoint is there, its version is live when this returns; where it was reaped, the
    returned release has it as a candidate.
    """
    for _ in range(_ROLLBACK_TRIES):
        release = existing(adapters, pipeline)
        if release.candidate and release.intent is Intent.ROLLBACK:
            return release
        if _applied(adapters, pipeline, _way_back(adapters, release, request)):
            return _begin(adapters, pipeline)
        # Lost: to another writer, or a reaper deletes the previous endpoint. Then it is brought back.
        if release.candidate is None and _applied(adapters, pipeline, transitions.recreate(release, request)):
            return _begin(adapters, pipeline)
    raise Conflict(f"pipeline {pipeline!r} keeps changing; read its endpoint and ask again")


def stop(adapters: Releasing, pipeline: str, request: Request) -> CurrentRelease:
    """Give up what rolls out; what is live stays so."""
    for _ in range(_TRIES):
        if _applied(adapters, pipeline, transitions.cancel(existing(adapters, pipeline), request)):
            return _begin(adapters, pipeline)
    raise Conflict(f"pipeline {pipeline!r} keeps changing; read its endpoint and ask again")


def wake(adapters: Releasing, pipeline: str) -> None:
    """Bring back the endpoint of what is live, which slept; where that fails now, the reconciler goes on."""
    try:
        mending.wake(adapters, pipeline)
    except HeadraceError:
        adapters.log.warning("the reconciler will go on", exc_info=True)


def existing(adapters: Releasing, pipeline: str) -> CurrentRelease:
    """Return the release of *pipeline*.

    Raises
    ------
    NotFound
        There is no such pipeline, or it never had a release.
    """
    release: CurrentRelease | None = adapters.releases.current(pipeline)
    if release is None:
        adapters.pipelines.get(pipeline)
        raise NotFound(f"pipeline {pipeline!r} has never released a model version")
    return release


def _way_back(adapters: Releasing, release: CurrentRelease, request: Request) -> Transition:
    if release.candidate:
        return transitions.cancel(release, request)
    name = endpoint_name(adapters.stage, release.pipeline, release.previous or "")
    is_kept = release.previous is not None and not release.reaped_at
    state = adapters.endpoints.describe(name) if is_kept else None
    if state is None or state.status != "InService":
        return transitions.recreate(release, request)
    return transitions.swap_back(release, request, baking.grace_s(adapters, release.pipeline))


def _applied(adapters: Releasing, pipeline: str, transition: Transition) -> bool:
    try:
        adapters.releases.apply(pipeline, transition)
    except ConditionFailed:
        return False
    return True


def _begin(adapters: Releasing, pipeline: str) -> CurrentRelease:
    """Take the accepted request as far as it goes now and return the row.

    What fails here does not undo what was accepted: the reconciler goes on with it within a minute.
    """
    try:
        rollout.advance(adapters, pipeline)
    except HeadraceError:
        adapters.log.warning("the reconciler will go on", exc_info=True)
    return existing(adapters, pipeline)
