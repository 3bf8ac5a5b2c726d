"""What happens to a release between its beginning and its end, and to what is live while nothing rolls out.

Pure, like ``transitions``: each change with what must still hold of the row.
"""

from datetime import datetime

import msgspec
from chalicelib.inference.entries import entry_of, time_of
from chalicelib.inference.fences import LEASE, at_rest, lease_free, mine
from chalicelib.inference.release_moves import ReleaseMove, moved
from chalicelib.inference.states import AUTOMATIC, CurrentRelease, Outcome, Request, Transition

from shared.clock import to_text
from shared.conditions import Absent, Present, all_of, having
from shared.tables import Change


def take_lease(release: CurrentRelease, owner: str, now: datetime) -> Transition:
    """Become the one worker of this pipeline."""
    return Transition(
        change=Change(set={"owner": owner, "lease_until": to_text(now + LEASE)}),
        only_if=all_of(having("gen", release.gen), lease_free(now)),
    )


def drop_lease(owner: str) -> Transition:
    """Let the next worker in."""
    return Transition(change=Change(remove=("owner", "lease_until")), only_if=having("owner", owner))


def move(release: CurrentRelease, to: ReleaseMove, now: datetime) -> Transition:
    """Go on with the same candidate."""
    row = moved(release, to) | {"updated_at": time_of(release, now)}
    return Transition(change=Change(set=row), only_if=mine(release))


def shadow(release: CurrentRelease, now: datetime) -> Transition:
    """Let the candidate see a copy of every request."""
    return _on_trial(
        release, ReleaseMove.TRY_SHADOW, 0, 0.0, Request(who=AUTOMATIC, why="golden rows equal", at=now)
    )


def canary(release: CurrentRelease, step: int, weight: float, request: Request) -> Transition:
    """Let the candidate answer *weight* of the requests; the request's reason says why it may."""
    return _on_trial(release, ReleaseMove.TRY_CANARY, step, weight, request)


def _on_trial(
    release: CurrentRelease, move: ReleaseMove, step: int, weight: float, request: Request
) -> Transition:
    at = time_of(release, request.at)
    row = {
        **moved(release, move),
        "mode": str(move.value.to).lower(),
        "step": step,
        "step_since": at,
        "weight": weight,
        "updated_at": at,
    }
    entry = entry_of(release, Outcome[move.value.to], request, to=release.live)
    return Transition(
        change=Change(set=row),
        only_if=mine(release),
        entry=msgspec.structs.replace(entry, weight=weight),
    )


def note_recreated(release: CurrentRelease, request: Request) -> Transition:
    """Write down that the endpoint of what is live was made again; the row itself stays as it is."""
    return Transition(
        change=Change(set={"updated_at": time_of(release, request.at)}),
        only_if=all_of(having("gen", release.gen), having("owner", release.owner)),
        entry=entry_of(release, Outcome.RECREATED, request, to=release.live),
    )


def mark_reaped(release: CurrentRelease, now: datetime) -> Transition:
    """Say that the endpoint of the previous version is about to be deleted, before it is."""
    # A rollback that looked at the endpoint before would make live what is gone when it writes.
    return Transition(
        change=Change(set={"reaped_at": to_text(now)}),
        only_if=all_of(having("gen", release.gen), having("owner", release.owner)),
    )


def fall_asleep(release: CurrentRelease, request: Request) -> Transition:
    """Give up the endpoint of what is live until somebody asks for it."""
    at = time_of(release, request.at)
    return Transition(
        change=Change(set={"asleep_at": at, "updated_at": at}),
        only_if=at_rest(release),
        entry=entry_of(release, Outcome.ASLEEP, request, to=release.live),
    )


def wake_up(release: CurrentRelease, request: Request) -> Transition:
    """Want the endpoint of what is live back; whoever comes first wakes it."""
    return Transition(
        change=Change(set={"updated_at": time_of(release, request.at)}, remove=("asleep_at",)),
        only_if=all_of(having("gen", release.gen), Absent("candidate"), Present("asleep_at")),
        entry=entry_of(release, Outcome.AWAKE, request, to=release.live),
    )
