"""Each minute: go on with what was left, hear what was lost, delete what serves nobody."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial

import msgspec
from chalicelib.inference import stepping
from chalicelib.inference.naming import endpoint_name, served_by, stage_prefix
from chalicelib.inference.states import CurrentRelease
from chalicelib.inference.verdict import age_s
from chalicelib.inference.workflow import deleting, mending, requests, rollout
from chalicelib.inference.workflow.context import Releasing
from chalicelib.inference.workflow.leasing import under_lease

from shared.entities.training import ModelState, ModelVersion

# A router may send requests by a row two seconds old, and an answer may take until API Gateway hangs up.
ON_ITS_WAY_S = 35


def reconcile(adapters: Releasing) -> None:
    """Do pass by pass what a lost event, a crash or a passed time left undone."""
    deleting.take_down_all(adapters)
    for pipeline in adapters.releases.open():
        _apart(adapters, pipeline, go_on)
    for pipeline in adapters.pipelines.names():
        for work in (hear_lost_approval, mending.mend, mending.send_to_sleep):
            _apart(adapters, pipeline, work)
    for pipeline, found in sorted(_found(adapters, stage_prefix(adapters.stage)).items()):
        _apart(adapters, pipeline, partial(reap_found, found=found))


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
    """Delete the endpoints of *pipeline* that neither serve nor may have to."""
    reap_found(adapters, pipeline, _names(adapters, pipeline))


def reap_found(adapters: Releasing, pipeline: str, found: Mapping[str, str]) -> None:
    """Do so where SageMaker has *found*, names with their versions, of the pipeline.

    The lease keeps a rollout from wanting an endpoint that is just being deleted; a rollback sees that it is marked.
    """
    release = adapters.releases.current(pipeline)
    if release is None:
        # Every endpoint of ours has a row before it is made: this one is of nobody.
        _delete(adapters, found)
        return
    if age_s(release.updated_at, adapters.clock()) < ON_ITS_WAY_S or not _surplus(adapters, release, found):
        return
    under_lease(adapters, release, _delete_surplus)


def _delete_surplus(adapters: Releasing, release: CurrentRelease) -> None:
    # Judged again from the row under the lease: a rollout may have begun since.
    names = _surplus(adapters, release, _names(adapters, release.pipeline))
    if endpoint_name(adapters.stage, release.pipeline, release.previous or "") in names:
        adapters.releases.apply(release.pipeline, stepping.mark_reaped(release, adapters.clock()))
    _delete(adapters, names)


def _delete(adapters: Releasing, names: Iterable[str]) -> None:
    for name in sorted(names):
        adapters.log.info("deleting an endpoint", extra={"endpoint": name})
        adapters.endpoints.delete(name)


def _apart(adapters: Releasing, pipeline: str, work: Callable[[Releasing, str], None]) -> None:
    """Do *work* for one pipeline; one that cannot go on must not hold up the others."""
    try:
        work(adapters, pipeline)
    # A supervisor: also what nobody foresaw, such as an AWS code we do not know, stays with its pipeline.
    except Exception:
        adapters.log.exception("reconciling failed", extra={"pipeline": pipeline})


def _surplus(adapters: Releasing, release: CurrentRelease, found: Mapping[str, str]) -> set[str]:
    """Return those of *found* that the release does not keep."""
    kept = _kept(adapters, release)
    return {name for name, version in found.items() if version not in kept}


def _names(adapters: Releasing, pipeline: str) -> dict[str, str]:
    """Return the names that SageMaker has for *pipeline*, each with its version."""
    # The prefix of "a" also begins the names of a pipeline "a-b".
    return _found(adapters, endpoint_name(adapters.stage, pipeline, "")).get(pipeline, {})


def _found(adapters: Releasing, prefix: str) -> dict[str, dict[str, str]]:
    """Return the names that SageMaker has and that begin so: by pipeline, each with its version."""
    found: dict[str, dict[str, str]] = {}
    for name in sorted(adapters.endpoints.names(prefix)):
        if served := served_by(adapters.stage, name):
            pipeline, version = served
            found.setdefault(pipeline, {})[name] = version
    return found


def _kept(adapters: Releasing, release: CurrentRelease) -> set[str | None]:
    """Return the versions whose endpoints may not be deleted."""
    kept = {None if release.asleep_at else release.live, release.candidate}
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
