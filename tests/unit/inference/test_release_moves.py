"""A change of phase that is not in the table of moves is refused before it could be written."""

from datetime import datetime

import msgspec
import pytest
from chalicelib.inference import stepping, transitions
from chalicelib.inference.release_moves import ReleaseMove
from chalicelib.inference.states import CurrentRelease, Intent, Outcome, Request

from shared.entities.serving import Phase
from shared.errors import Conflict
from tests.fakes import FakeBucket
from tests.unit.inference.fakes import NOW, signed_model

ASKED = Request(who="ada", why="because", at=NOW)
V3 = signed_model(FakeBucket("models"), "v3", "v2")
BACK = Intent.ROLLBACK


def release(phase: Phase, **changes: object) -> CurrentRelease:
    """Return a release in *phase*, with a candidate where nothing that begins needs it to have none."""
    row = CurrentRelease(
        pipeline="flights", live="v2", previous="v1", phase=phase, owner="me", created_at="", updated_at=""
    )
    return msgspec.structs.replace(row, **changes)


def moving(move: ReleaseMove, phase: Phase, now: datetime = NOW) -> str:
    """Return the phase that *move* leads to from *phase*."""
    idle, rolling = release(phase), release(phase, candidate="v3")
    made = {
        ReleaseMove.ACCEPT: lambda: transitions.accept(idle, V3, ASKED),
        ReleaseMove.RECREATE: lambda: transitions.recreate(idle, ASKED),
        ReleaseMove.SWAP_BACK: lambda: transitions.swap_back(idle, ASKED, 60),
        ReleaseMove.WARM: lambda: stepping.move(rolling, ReleaseMove.WARM, now),
        ReleaseMove.CREATE_AGAIN: lambda: stepping.move(rolling, ReleaseMove.CREATE_AGAIN, now),
        ReleaseMove.RECREATE_AGAIN: lambda: stepping.move(rolling, ReleaseMove.RECREATE_AGAIN, now),
        ReleaseMove.TRY_SHADOW: lambda: stepping.shadow(rolling, now),
        ReleaseMove.TRY_CANARY: lambda: stepping.canary(rolling, 0, 0.1, ASKED),
        ReleaseMove.COMPLETE: lambda: transitions.complete(rolling, now, 60),
        ReleaseMove.GIVE_UP: lambda: transitions.give_up(rolling, Outcome.FAILED, ASKED),
        ReleaseMove.TAKE_DOWN: lambda: transitions.take_down(idle, 1, ASKED),
        ReleaseMove.CANCEL: lambda: transitions.cancel(rolling, ASKED),
    }[move]()
    return str(made.change.set["phase"])


@pytest.mark.parametrize("move", ReleaseMove)
@pytest.mark.parametrize("phase", Phase)
def test_a_release_moves_as_the_table_says_and_is_refused_everything_else(
    move: ReleaseMove, phase: Phase
) -> None:
    if phase in move.value.after:
        assert moving(move, phase) == move.value.to
    else:
        with pytest.raises(Conflict, match=rf"{move.name} is not for a release that is {phase}"):
            moving(move, phase)
