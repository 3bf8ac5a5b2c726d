"""Each change of a release row happens only to the row it was decided on: one changed attribute, and it does not."""

import msgspec
import pytest
from chalicelib.inference import stepping, transitions
from chalicelib.inference.release_moves import ReleaseMove
from chalicelib.inference.states import CurrentRelease, Intent, Outcome, Request

from shared.codec import to_row
from shared.entities.serving import Phase
from tests.fakes import FakeBucket
from tests.unit.inference.fakes import NOW, signed_model

ASKED = Request(who="ada", why="because", at=NOW)
IDLE = CurrentRelease(
    pipeline="flights",
    live="v2",
    previous="v1",
    gen=5,
    created_at="2026-01-01T00:00:00Z",
    updated_at="2026-01-01T00:00:00Z",
)
ROLLING = msgspec.structs.replace(
    IDLE,
    candidate="v3",
    phase=Phase.WARMING,
    intent=Intent.PROMOTE,
    owner="me",
    lease_until="2026-01-01T00:02:00Z",
)
BAKING = msgspec.structs.replace(ROLLING, phase=Phase.CANARY, step=1, mode="canary", weight=0.1)
WORKED = msgspec.structs.replace(IDLE, owner="me", lease_until="2026-01-01T00:02:00Z")
ASLEEP = msgspec.structs.replace(IDLE, asleep_at="2026-01-01T00:00:00Z")
V3 = signed_model(FakeBucket("models"), "v3", "v2")
HELD = "2026-01-01T00:02:00Z"
JUST_EXPIRED = "2025-12-31T23:59:31Z"  # within the margin for clocks that differ

OTHER_GEN, OTHER_LIVE, NO_LIVE = {"gen": 6}, {"live": "v1"}, {"live": None}
HAS_CANDIDATE, NO_CANDIDATE, OTHER_CANDIDATE = {"candidate": "v9"}, {"candidate": None}, {"candidate": "v9"}
OTHER_OWNER, NO_OWNER, OTHER_PHASE = {"owner": "you"}, {"owner": None}, {"phase": "CREATING"}
OTHER_PREVIOUS, LEASE_HELD, LEASE_FRESH = (
    {"previous": "v0"},
    {"lease_until": HELD},
    {"lease_until": JUST_EXPIRED},
)
OTHER_STEP, NO_STEP, AWAKE, REAPED = (
    {"step": 2},
    {"step": None},
    {"asleep_at": None},
    {"reaped_at": True},
)
OF_A_STEP = [OTHER_GEN, OTHER_CANDIDATE, NO_CANDIDATE, OTHER_OWNER, NO_OWNER, OTHER_PHASE]

GUARDS = {
    "accept": (
        IDLE,
        transitions.accept(IDLE, V3, ASKED),
        [OTHER_GEN, HAS_CANDIDATE, OTHER_LIVE, NO_LIVE],
    ),
    "cancel": (ROLLING, transitions.cancel(ROLLING, ASKED), [OTHER_GEN, OTHER_CANDIDATE, NO_CANDIDATE]),
    "swap back": (
        IDLE,
        transitions.swap_back(IDLE, ASKED, 60),
        [OTHER_GEN, HAS_CANDIDATE, OTHER_PREVIOUS, REAPED],
    ),
    "recreate": (IDLE, transitions.recreate(IDLE, ASKED), [OTHER_GEN, HAS_CANDIDATE, OTHER_PREVIOUS]),
    "take lease": (IDLE, stepping.take_lease(IDLE, "me", NOW), [OTHER_GEN, LEASE_HELD, LEASE_FRESH]),
    "drop lease": (ROLLING, stepping.drop_lease("me"), [OTHER_OWNER, NO_OWNER]),
    "move": (ROLLING, stepping.move(ROLLING, ReleaseMove.CREATE_AGAIN, NOW), OF_A_STEP),
    "complete": (ROLLING, transitions.complete(ROLLING, NOW, 60), OF_A_STEP),
    "give up": (ROLLING, transitions.give_up(ROLLING, Outcome.FAILED, ASKED), OF_A_STEP),
    "shadow": (ROLLING, stepping.shadow(ROLLING, NOW), OF_A_STEP),
    "first canary": (ROLLING, stepping.canary(ROLLING, 0, 0.1, ASKED), OF_A_STEP),
    "next canary": (BAKING, stepping.canary(BAKING, 2, 0.5, ASKED), [*OF_A_STEP, OTHER_STEP, NO_STEP]),
    "complete a canary": (BAKING, transitions.complete(BAKING, NOW, 60), [*OF_A_STEP, OTHER_STEP]),
    "roll a canary back": (
        BAKING,
        transitions.give_up(BAKING, Outcome.ROLLED_BACK, ASKED),
        [*OF_A_STEP, OTHER_STEP],
    ),
    "note recreated": (WORKED, stepping.note_recreated(WORKED, ASKED), [OTHER_GEN, OTHER_OWNER, NO_OWNER]),
    "mark reaped": (WORKED, stepping.mark_reaped(WORKED, NOW), [OTHER_GEN, OTHER_OWNER, NO_OWNER]),
    "fall asleep": (
        WORKED,
        stepping.fall_asleep(WORKED, ASKED),
        [OTHER_GEN, HAS_CANDIDATE, OTHER_LIVE, NO_LIVE, OTHER_OWNER, NO_OWNER],
    ),
    "wake up": (ASLEEP, stepping.wake_up(ASLEEP, ASKED), [OTHER_GEN, HAS_CANDIDATE, AWAKE]),
    "settle": (IDLE, transitions.settle(IDLE), [OTHER_GEN, OTHER_PHASE]),
}
CASES = [(name, place) for name, (_, _, changes) in GUARDS.items() for place in range(len(changes))]


@pytest.mark.parametrize("name", GUARDS)
def test_a_transition_holds_of_the_row_it_was_made_from(name):
    release, transition, _ = GUARDS[name]
    assert transition.only_if.holds(to_row(release))


@pytest.mark.parametrize(("name", "place"), CASES)
def test_a_transition_does_not_hold_once_a_guarded_attribute_changed(name, place):
    release, transition, changes = GUARDS[name]
    changed = to_row(release) | changes[place]
    row = {attribute: value for attribute, value in changed.items() if value is not None}
    assert not transition.only_if.holds(row)


def test_a_forced_promotion_still_holds_only_of_the_live_version_that_was_read():
    stale = msgspec.structs.replace(V3, evaluated_champion="v1")
    transition = transitions.accept(IDLE, stale, ASKED, force=True)
    assert transition.only_if.holds(to_row(IDLE))
    assert not transition.only_if.holds(to_row(IDLE) | OTHER_LIVE)


def test_a_first_promotion_holds_only_while_there_is_no_row():
    first = transitions.accept(None, msgspec.structs.replace(V3, evaluated_champion=None), ASKED)
    assert first.only_if.holds({})
    assert not first.only_if.holds({"gen": 1})


def test_who_accepts_a_request_leaves_the_lease_alone_and_every_request_gets_a_new_generation():
    for name in ("accept", "cancel", "swap back", "recreate"):
        release, transition, _ = GUARDS[name]
        touched = {*transition.change.set, *transition.change.remove}
        assert not touched & {"lease_until", "owner"}, name
        assert transition.change.set["gen"] == release.gen + 1, name
