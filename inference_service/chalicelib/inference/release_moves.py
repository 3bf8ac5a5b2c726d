"""All that a release may do: no other change of its phase is ever written. Pure."""

from enum import Enum

from chalicelib.inference.states import CurrentRelease, Intent

from shared.entities.moves import Move
from shared.entities.serving import Phase
from shared.errors import Conflict

IDLE, CREATING, RECREATING = Phase.IDLE, Phase.CREATING, Phase.RECREATING
WARMING, SHADOW, CANARY = Phase.WARMING, Phase.SHADOW, Phase.CANARY
_UNDER_WAY = (CREATING, RECREATING, WARMING, SHADOW, CANARY)


class ReleaseMove(Enum):
    """The table; each move is written by one function of ``transitions`` or ``stepping``.

    A pipeline's first release has no row before it, which counts as IDLE.
    """

    ACCEPT = Move((IDLE,), CREATING, "an approved version is promoted; `gen` + 1")
    RECREATE = Move((IDLE,), RECREATING, "a rollback to a version whose endpoint is gone; `gen` + 1")
    SWAP_BACK = Move(
        (IDLE,), IDLE, "a rollback to a version whose endpoint is there: it is live at once; `gen` + 1"
    )
    WARM = Move((CREATING, RECREATING), WARMING, "the endpoint is there or on its way")
    CREATE_AGAIN = Move((WARMING,), CREATING, "the endpoint of a promotion is gone")
    RECREATE_AGAIN = Move((WARMING,), RECREATING, "the endpoint of a rollback is gone")
    TRY_SHADOW = Move((WARMING,), SHADOW, "the golden rows are equal, and the strategy is a shadow")
    TRY_CANARY = Move(
        (WARMING, CANARY), CANARY, "the golden rows are equal, or a step went well: the next share"
    )
    COMPLETE = Move((WARMING, SHADOW, CANARY), IDLE, "the candidate is live")
    GIVE_UP = Move(_UNDER_WAY, IDLE, "the candidate failed, or its trial went badly; live stays")
    CANCEL = Move(_UNDER_WAY, IDLE, "a person rolls back or stops; live stays; `gen` + 1")
    TAKE_DOWN = Move(
        (IDLE, *_UNDER_WAY), IDLE, "the pipeline was deleted: nothing is live any more; `gen` + 1"
    )


def moved(release: CurrentRelease, move: ReleaseMove) -> dict[str, str]:
    """Return the phase that *move* gives the row.

    Raises
    ------
    Conflict
        The move is not legal in the phase the release is in.
    """
    if release.phase not in move.value.after:
        raise Conflict(f"{move.name} is not for a release that is {release.phase}; read its endpoint again")
    return {"phase": str(move.value.to)}


def making(intent: Intent) -> ReleaseMove:
    """Return the move that begins the making of a candidate's endpoint."""
    return ReleaseMove.ACCEPT if intent is Intent.PROMOTE else ReleaseMove.RECREATE


def making_again(intent: Intent) -> ReleaseMove:
    """Return the move back to the making of a candidate's endpoint, which is gone."""
    return ReleaseMove.CREATE_AGAIN if intent is Intent.PROMOTE else ReleaseMove.RECREATE_AGAIN
