"""A pipeline was deleted: nothing of it serves any more, and the reaper deletes its endpoints as it does all that no release keeps.

Only a deletion that was read takes anything down: a definition that is not found, or a read that fails, never does.
"""

from chalicelib.inference import transitions
from chalicelib.inference.states import CurrentRelease, Request
from chalicelib.inference.workflow.context import Releasing

from shared.errors import ConditionFailed, Conflict

# Like a rollback it wins: more writers than this cannot be ahead of it.
_TRIES = 20
WHY = "the pipeline was deleted"


def take_down(adapters: Releasing, pipeline: str) -> None:
    """End whatever of a deleted pipeline serves or is on its way; harmless at any time and any number of times."""
    standing(adapters, pipeline)


def take_down_all(adapters: Releasing) -> None:
    """Do so for every pipeline that was ever deleted; one that fails is the next minute's, and holds up no other."""
    for deletion in adapters.pipelines.deletions():
        try:
            release = adapters.releases.current(deletion.pipeline)
            if release is not None and release.life < deletion.life:
                take_down(adapters, deletion.pipeline)
        # A supervisor: also what nobody foresaw, such as an AWS code we do not know, stays with its pipeline.
        except Exception:
            adapters.log.exception("not taken down", extra={"pipeline": deletion.pipeline})


def standing(adapters: Releasing, pipeline: str) -> tuple[CurrentRelease | None, int]:
    """Return the release row with nothing of a deleted pipeline in it, and the present life of the pipeline.

    Whoever accepts a release reads the definition after this: where that is deleted in between, the life that was
    accepted under is over, and what was accepted is taken down.
    """
    for _ in range(_TRIES):
        deletion = adapters.pipelines.deletion(pipeline)
        release = adapters.releases.current(pipeline)
        if deletion is None:
            return release, 0
        if release is None or release.life >= deletion.life:
            return release, deletion.life
        request = Request(who=deletion.deleted_by, why=WHY, at=adapters.clock())
        try:
            adapters.releases.apply(pipeline, transitions.take_down(release, deletion.life, request))
            adapters.log.info("a deleted pipeline is taken down", extra={"pipeline": pipeline})
        except ConditionFailed:
            adapters.log.info("somebody else changed the release; looking again")
    raise Conflict(f"pipeline {pipeline!r} keeps changing; read its endpoint and ask again")
