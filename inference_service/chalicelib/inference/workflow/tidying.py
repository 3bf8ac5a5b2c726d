"""Each minute: go on with what was left, hear what was lost, delete what serves nobody."""

from collections.abc import Callable
from datetime import datetime

import msgspec
from chalicelib.inference import transitions
from chalicelib.inference.naming import endpoint_name, served_by, stage_prefix
from chalicelib.inference.states import CurrentRelease
from chalicelib.inference.workflow import requests, rollout
from chalicelib.inference.workflow.context import Releasing

from shared.entities.training import ModelState, ModelVersion
from shared.errors import ConditionFailed


def reconcile(adapters: Releasing) -> None:
    """Do in three passes what a lost event, a crash or a passed time left undone."""
    for pipeline in adapters.releases.open():
        _apart(adapters, pipeline, go_on)
    for pipeline in adapters.pipelines.names():
        _apart(adapters, pipeline, hear_lost_approval)
    for pipeline in sorted(_with_endpoints(adapters)):
        _apart(adapters, pipeline, reap)


def go_on(adapters: Releasing, pipeline: str) -> None:
    """Take up a release where a crash or a slow endpoint left it."""
    rollout.advance(adapters, pipeline)


def hear_lost_approval(adapters: Releasing, pipeline: str) -> None:
    """Release the newest approved version that nobody told us of."""
    release = adapters.releases.current(pipeline)
    if release is not None and release.candidate:
        return
    waiting = [model for model in adapters.models.versions(pipeline) if _is_next(model, release)]
    # Only the newest: an older one that waited is obsolete, whatever its verdict was.
    if waiting:
        requests.release_if_new(adapters, waiting[-1])
        rollout.advance(adapters, pipeline)


def reap(adapters: Releasing, pipeline: str) -> None:
    """Delete the endpoints of *pipeline* that neither serve nor may have to.

    The lease keeps a rollout from wanting an endpoint that is just being deleted, and tells a rollback so.
    """
    release = adapters.releases.current(pipeline)
    if release is None or not _surplus(adapters, release):
        return
    owner = adapters.owner()
    try:
        mine = adapters.releases.apply(pipeline, transitions.take_lease(release, owner, adapters.clock()))
    except ConditionFailed:
        return
    try:
        # Judged again from the row under the lease: a rollout may have begun since.
        for name in sorted(_surplus(adapters, mine)):
            adapters.log.info("deleting an endpoint", extra={"endpoint": name})
            adapters.endpoints.delete(name)
    finally:
        rollout.drop_lease(adapters, pipeline, owner)


def _apart(adapters: Releasing, pipeline: str, work: Callable[[Releasing, str], None]) -> None:
    """Do *work* for one pipeline; one that cannot go on must not hold up the others."""
    try:
        work(adapters, pipeline)
    # A supervisor: also what nobody foresaw, such as an AWS code we do not know, stays with its pipeline.
    except Exception:
        adapters.log.exception("reconciling failed", extra={"pipeline": pipeline})


def _with_endpoints(adapters: Releasing) -> set[str]:
    names = adapters.endpoints.names(stage_prefix(adapters.stage))
    return {served[0] for name in names if (served := served_by(adapters.stage, name))}


def _surplus(adapters: Releasing, release: CurrentRelease) -> set[str]:
    """Return the names that SageMaker has and the release does not keep."""
    own = endpoint_name(adapters.stage, release.pipeline, "")
    names = adapters.endpoints.names(own)
    versions = {name: served_by(adapters.stage, name) for name in names}
    kept = _kept(adapters, release)
    return {
        name
        for name, served in versions.items()
        # The prefix of "a" also begins the names of a pipeline "a-b".
        if served and served[0] == release.pipeline and served[1] not in kept
    }


def _kept(adapters: Releasing, release: CurrentRelease) -> set[str | None]:
    """Return the versions whose endpoints may not be deleted."""
    kept = {release.live, release.candidate}
    if release.previous and _may_be_needed(adapters, release, release.previous):
        kept.add(release.previous)
    return kept


def _may_be_needed(adapters: Releasing, release: CurrentRelease, previous: str) -> bool:
    if release.previous_until is None or adapters.clock() <= msgspec.convert(
        release.previous_until, datetime
    ):
        return True
    # An idle serverless endpoint costs nothing, and a rollback to it stays a matter of seconds.
    state = adapters.endpoints.describe(endpoint_name(adapters.stage, release.pipeline, previous))
    return state is not None and state.is_serverless


def _is_next(model: ModelVersion, release: CurrentRelease | None) -> bool:
    live = release.live if release else None
    number = int(live.removeprefix("v")) if live else 0
    return model.state is ModelState.APPROVED and model.number > number and model.evaluated_champion == live
