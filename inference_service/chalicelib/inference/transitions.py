"""What begins and what ends a release, as the table of contracts has it.

Pure: from the row as it was read to the write that may happen only if the row is still so (see ``fences``).
The phase changes by the moves of ``release_moves`` and no others; one that is not legal raises Conflict. What happens
in between is in ``stepping``.
"""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from chalicelib.inference.entries import entry_of, time_of
from chalicelib.inference.fences import at_gen, mine
from chalicelib.inference.release_moves import ReleaseMove, making, moved
from chalicelib.inference.states import (
    SERVING,
    TRANSIENT,
    CurrentRelease,
    Intent,
    Outcome,
    Request,
    Transition,
)

from shared.clock import to_text
from shared.conditions import Absent, all_of, having
from shared.entities.serving import Phase
from shared.entities.training import ModelState, ModelVersion
from shared.errors import Conflict
from shared.tables import Change

# Of a candidate that somebody else gives up: the worker under the lease is fenced, but may be in a call to SageMaker.
_BUT_THE_LEASE = tuple(name for name in TRANSIENT if name not in {"lease_until", "owner"})


def accept(
    release: CurrentRelease | None,
    model: ModelVersion,
    request: Request,
    *,
    life: int = 0,
    force: bool = False,
) -> Transition:
    """Make *model* the candidate, in the present *life* of its pipeline.

    Raises
    ------
    Conflict
        Something rolls out already, the version is live or not approved, or its gate compared it with a
        champion that is no longer live (which only ``force`` overrides).
    """
    live = release.live if release else None
    _check_free(release, model.version)
    _check_judged(model, live, force=force)
    # The comparison may have become stale since the row was read, so the write says it again.
    still = having("live", live) if live else Absent("live")
    before = msgspec.structs.replace(release or _nothing(model.pipeline, request), life=life)
    begun = _begin(before, model.version, Intent.PROMOTE, request, model.correlation_id)
    return msgspec.structs.replace(
        begun,
        only_if=all_of(at_gen(release), Absent("candidate"), still),
        approved=model.version,
    )


def _nothing(pipeline: str, request: Request) -> CurrentRelease:
    at = to_text(request.at)
    return CurrentRelease(pipeline=pipeline, created_at=at, updated_at=at)


def _check_judged(model: ModelVersion, live: str | None, *, force: bool) -> None:
    """Raise Conflict unless the gate let *model* pass beside what is *live* now."""
    if model.state is not ModelState.APPROVED:
        raise Conflict(f"{model.version} is {model.state}; only an APPROVED version can be released")
    if live != model.evaluated_champion and not force:
        raise Conflict(
            f"{model.version} was compared with {model.evaluated_champion or 'no champion'}, but "
            f"{live or 'nothing'} is live now; train again, or force it with a reason"
        )


def _check_free(release: CurrentRelease | None, version: str) -> None:
    if release and release.candidate:
        raise Conflict(
            f"{release.candidate} is being released ({release.phase}, generation {release.gen}, by "
            f"{release.who}); wait for it, stop it or roll it back"
        )
    if release and release.live == version:
        raise Conflict(f"{version} is live already")


def cancel(release: CurrentRelease, request: Request) -> Transition:
    """Give up the candidate; what is live stays so. Needs no lease: it wins against a step in flight.

    Raises
    ------
    Conflict
        Nothing rolls out.
    """
    if release.candidate is None:
        raise Conflict(f"nothing of pipeline {release.pipeline!r} is being released")
    row = _ended(release, ReleaseMove.CANCEL, Outcome.ROLLED_BACK, request) | {"gen": release.gen + 1}
    return Transition(
        change=Change(set=row, remove=_BUT_THE_LEASE),
        only_if=all_of(at_gen(release), having("candidate", release.candidate)),
        entry=entry_of(release, Outcome.ROLLED_BACK, request, gen=release.gen + 1, to=release.live),
    )


def take_down(release: CurrentRelease, life: int, request: Request) -> Transition:
    """Say that nothing serves any more, since the pipeline was deleted; its next *life* begins with nothing.

    Needs no lease: it wins against whatever is in flight, as a rollback does.
    """
    row = _ended(release, ReleaseMove.TAKE_DOWN, Outcome.DELETED, request)
    # Nobody is told by us: whoever deleted the pipeline has told everybody.
    del row["attention"]
    same = having("candidate", release.candidate) if release.candidate else Absent("candidate")
    return Transition(
        change=Change(
            set=row | {"gen": release.gen + 1, "life": life},
            remove=(*SERVING, *_BUT_THE_LEASE, "attention"),
        ),
        only_if=all_of(at_gen(release), same),
        entry=entry_of(release, Outcome.DELETED, request, gen=release.gen + 1, to=None),
    )


def swap_back(release: CurrentRelease, request: Request, grace_s: int) -> Transition:
    """Make the previous version live at once; its endpoint must be there, and no reaper have marked it.

    Needs no lease either: a reaper marks what it deletes under the generation that it read.
    """
    previous = _previous(release)
    row = _ended(release, ReleaseMove.SWAP_BACK, Outcome.ROLLED_BACK, request) | {"gen": release.gen + 1}
    row |= _serving(release, previous, request.at, grace_s)
    return Transition(
        change=Change(set=row, remove=("asleep_at",)),
        only_if=all_of(
            at_gen(release),
            Absent("candidate"),
            having("previous", previous),
            Absent("reaped_at"),
        ),
        entry=entry_of(release, Outcome.ROLLED_BACK, request, gen=release.gen + 1, to=previous),
    )


def recreate(release: CurrentRelease, request: Request) -> Transition:
    """Begin to bring the previous version's endpoint back; the live one serves until it is ready."""
    previous = _previous(release)
    begun = _begin(release, previous, Intent.ROLLBACK, request, release.correlation_id)
    return msgspec.structs.replace(
        begun, only_if=all_of(at_gen(release), Absent("candidate"), having("previous", previous))
    )


def complete(release: CurrentRelease, now: datetime, grace_s: int, *, verdict: str = "") -> Transition:
    """Make the candidate live and keep the endpoint of the old live version for the grace period.

    *verdict* is what its last trial showed; it goes into the history beside why the release began.
    """
    candidate = release.candidate or ""
    outcome = Outcome.LIVE if release.intent is Intent.PROMOTE else Outcome.ROLLED_BACK
    asked = Request(who=release.who, why=release.why, at=now)
    row = _ended(release, ReleaseMove.COMPLETE, outcome, asked) | _serving(release, candidate, now, grace_s)
    why = f"{release.why} ({verdict})" if verdict else release.why
    request = Request(who=release.who, why=why, at=now)
    return Transition(
        change=Change(set=row, remove=(*TRANSIENT, "asleep_at", "reaped_at")),
        only_if=mine(release),
        entry=entry_of(release, outcome, request, to=candidate),
    )


def give_up(release: CurrentRelease, outcome: Outcome, request: Request) -> Transition:
    """End with *outcome* for the request's reason; what is live stays so."""
    return Transition(
        change=Change(set=_ended(release, ReleaseMove.GIVE_UP, outcome, request), remove=TRANSIENT),
        only_if=mine(release),
        entry=entry_of(release, outcome, request, to=release.live),
    )


def settle(release: CurrentRelease) -> Transition:
    """Close a release whose end has been told."""
    return Transition(
        change=Change(remove=("attention",)),
        only_if=all_of(having("gen", release.gen), having("phase", str(Phase.IDLE))),
    )


def _begin(
    release: CurrentRelease, candidate: str, intent: Intent, request: Request, correlation_id: str
) -> Transition:
    """Return the beginning of the next generation, which the caller still has to fence."""
    at = time_of(release, request.at)
    row: dict[str, Any] = {
        "candidate": candidate,
        **moved(release, making(intent)),
        "intent": str(intent),
        "who": request.who,
        "why": request.why,
        "accepted_at": at,
        "gen": release.gen + 1,
        "life": release.life,
        "mode": "direct",
        "weight": 0.0,
        "step": 0,
        "attention": "open",
        "correlation_id": correlation_id,
        "created_at": release.created_at,
        "updated_at": at,
    }
    trying = msgspec.structs.replace(release, candidate=candidate)
    started = entry_of(trying, Outcome.STARTED, request, gen=release.gen + 1, to=release.live)
    # Who rolls out wants to compare with what is live: one that sleeps wakes up.
    change = Change(set=row, remove=("outcome", "reason", "asleep_at"))
    return Transition(change=change, only_if=at_gen(release), entry=started)


def _ended(release: CurrentRelease, move: ReleaseMove, outcome: Outcome, request: Request) -> dict[str, Any]:
    """Return what every end has in common; attention stays open until the end is told."""
    return {
        **moved(release, move),
        "outcome": str(outcome),
        "reason": request.why,
        "mode": "direct",
        "weight": 0.0,
        "step": 0,
        "attention": "open",
        "updated_at": time_of(release, request.at),
    }


def _serving(release: CurrentRelease, version: str, now: datetime, grace_s: int) -> dict[str, Any]:
    row = {"live": version, "live_since": time_of(release, now)}
    if release.live:
        row |= {"previous": release.live, "previous_until": to_text(now + timedelta(seconds=grace_s))}
    return row


def _previous(release: CurrentRelease) -> str:
    if release.previous is None:
        raise Conflict(f"pipeline {release.pipeline!r} has no previous version to roll back to")
    return release.previous
