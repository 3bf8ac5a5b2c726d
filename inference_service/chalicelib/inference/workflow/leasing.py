"""One worker a pipeline: work that changes endpoints happens under a lease."""

from collections.abc import Callable

from chalicelib.inference import stepping
from chalicelib.inference.states import CurrentRelease
from chalicelib.inference.workflow.context import Releasing

from shared.errors import ConditionFailed


def under_lease(
    adapters: Releasing, release: CurrentRelease, work: Callable[[Releasing, CurrentRelease], None]
) -> None:
    """Do *work* with the row as it is under the lease; nothing where another worker has it."""
    owner = adapters.owner()
    try:
        taken = stepping.take_lease(release, owner, adapters.clock())
        mine = adapters.releases.apply(release.pipeline, taken)
    except ConditionFailed:
        adapters.log.info("another worker has this release")
        return
    try:
        work(adapters, mine)
    except ConditionFailed:
        # The fence: a rollback or a stop came in between, and the row says what is true now.
        adapters.log.info("the release moved on without this step")
    finally:
        _drop(adapters, release.pipeline, owner)


def _drop(adapters: Releasing, pipeline: str, owner: str) -> None:
    """Let the next worker in; nothing to do where a transition has dropped it."""
    try:
        adapters.releases.apply(pipeline, stepping.drop_lease(owner))
    except ConditionFailed:
        adapters.log.debug("the lease is gone already")
