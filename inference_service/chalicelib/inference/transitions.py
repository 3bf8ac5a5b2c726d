"""Every change of a release row, as the table of contracts §3 has it.

Pure: from the row as it was read to the write that may happen only if the row is still so. The generation
``gen`` is the fence: a step that began under an older one changes nothing. A lease keeps two workers of the
same generation apart; who accepts a request needs no lease, so a rollback never waits for a worker.
"""

from datetime import datetime, timedelta
from typing import Any

from chalicelib.inference.states import (
    TRANSIENT,
    CurrentRelease,
    Intent,
    Outcome,
    ReleaseEntry,
    Request,
    Transition,
)

from shared.clock import LEASE_MARGIN, to_text
from shared.conditions import Absent, AtMost, Condition, all_of, any_of, having
from shared.entities.serving import Phase
from shared.entities.training import ModelState, ModelVersion
from shared.errors import Conflict
from shared.tables import Change

# Longer than any function that holds it may run, so that a holder whose lease ran out is dead.
LEASE = timedelta(seconds=120)


def accept(
    release: CurrentRelease | None, model: ModelVersion, request: Request, *, force: bool = False
) -> Transition:
    """Make *model* the candidate.

    Raises
    ------
    Conflict
        Something rolls out already, the version is live or not approved, or its gate compared it with a
        champion that is no longer live (which only ``force`` overrides).
    """
    live = release.live if release else None
    _check_free(release, model.version)
    if model.state is not ModelState.APPROVED:
        raise Conflict(f"{model.version} is {model.state}; only an APPROVED version can be released")
    if live != model.evaluated_champion and not force:
        raise Conflict(
            f"{model.version} was compared with {model.evaluated_champion or 'no champion'}, but "
            f"{live or 'nothing'} is live now; train again, or force it with a reason"
        )
    # The comparison may have become stale since the row was read, so the write says it again.
    still = having("live", live) if live else Absent("live")
    return Transition(
        change=_begin(release, model.version, Intent.PROMOTE, request, model.correlation_id),
        only_if=all_of(_at_gen(release), Absent("candidate"), still),
        approved=model.version,
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
    row = _ended(Outcome.ROLLED_BACK, request.why, request.at) | {"gen": release.gen + 1}
    # The lease stays: the worker under it is fenced, but may be in the middle of a call to SageMaker.
    kept = tuple(name for name in TRANSIENT if name not in {"lease_until", "owner"})
    return Transition(
        change=Change(set=row, remove=kept),
        only_if=all_of(_at_gen(release), having("candidate", release.candidate)),
        entry=_entry(release, Outcome.ROLLED_BACK, request, gen=release.gen + 1, to=release.live),
    )


def swap_back(release: CurrentRelease, request: Request, grace_s: int) -> Transition:
    """Make the previous version live at once; its endpoint must be there, and no reaper at work."""
    previous = _previous(release)
    # A reaper under a lease may be deleting the very endpoint that is to serve: then this write fails.
    row = _ended(Outcome.ROLLED_BACK, request.why, request.at) | {"gen": release.gen + 1}
    row |= _serving(previous, release.live, request.at, grace_s)
    return Transition(
        change=Change(set=row),
        only_if=all_of(
            _at_gen(release),
            Absent("candidate"),
            having("previous", previous),
            _lease_free(request.at),
        ),
        entry=_entry(release, Outcome.ROLLED_BACK, request, gen=release.gen + 1, to=previous),
    )


def recreate(release: CurrentRelease, request: Request) -> Transition:
    """Begin to bring the previous version's endpoint back; the live one serves until it is ready."""
    previous = _previous(release)
    return Transition(
        change=_begin(release, previous, Intent.ROLLBACK, request, release.correlation_id),
        only_if=all_of(_at_gen(release), Absent("candidate"), having("previous", previous)),
    )


def take_lease(release: CurrentRelease, owner: str, now: datetime) -> Transition:
    """Become the one worker of this pipeline."""
    return Transition(
        change=Change(set={"owner": owner, "lease_until": to_text(now + LEASE)}),
        only_if=all_of(having("gen", release.gen), _lease_free(now)),
    )


def drop_lease(owner: str) -> Transition:
    """Let the next worker in."""
    return Transition(change=Change(remove=("owner", "lease_until")), only_if=having("owner", owner))


def move(release: CurrentRelease, phase: Phase, now: datetime) -> Transition:
    """Go on to *phase* with the same candidate."""
    return Transition(
        change=Change(set={"phase": str(phase), "updated_at": to_text(now)}), only_if=_mine(release)
    )


def complete(release: CurrentRelease, now: datetime, grace_s: int) -> Transition:
    """Make the candidate live and keep the endpoint of the old live version for the grace period."""
    candidate = release.candidate or ""
    outcome = Outcome.LIVE if release.intent is Intent.PROMOTE else Outcome.ROLLED_BACK
    row = _ended(outcome, release.why, now) | _serving(candidate, release.live, now, grace_s)
    request = Request(who=release.who, why=release.why, at=now)
    return Transition(
        change=Change(set=row, remove=TRANSIENT),
        only_if=_mine(release),
        entry=_entry(release, outcome, request, gen=release.gen, to=candidate),
    )


def fail(release: CurrentRelease, reason: str, now: datetime) -> Transition:
    """Give up the candidate for *reason*; what is live stays so."""
    request = Request(who=release.who, why=reason, at=now)
    return Transition(
        change=Change(set=_ended(Outcome.FAILED, reason, now), remove=TRANSIENT),
        only_if=_mine(release),
        entry=_entry(release, Outcome.FAILED, request, gen=release.gen, to=release.live),
    )


def settle(release: CurrentRelease) -> Transition:
    """Close a release whose end has been told."""
    return Transition(
        change=Change(remove=("attention",)),
        only_if=all_of(having("gen", release.gen), having("phase", str(Phase.IDLE))),
    )


def _begin(
    release: CurrentRelease | None, candidate: str, intent: Intent, request: Request, correlation_id: str
) -> Change:
    at = to_text(request.at)
    row: dict[str, Any] = {
        "candidate": candidate,
        "phase": str(Phase.CREATING),
        "intent": str(intent),
        "who": request.who,
        "why": request.why,
        "accepted_at": at,
        "gen": (release.gen if release else 0) + 1,
        "mode": "direct",
        "weight": 0.0,
        "attention": "open",
        "correlation_id": correlation_id,
        "created_at": release.created_at if release else at,
        "updated_at": at,
    }
    return Change(set=row, remove=("outcome", "reason"))


def _ended(outcome: Outcome, reason: str, now: datetime) -> dict[str, Any]:
    """Return what every end has in common; attention stays open until the end is told."""
    return {
        "phase": str(Phase.IDLE),
        "outcome": str(outcome),
        "reason": reason,
        "weight": 0.0,
        "attention": "open",
        "updated_at": to_text(now),
    }


def _serving(live: str, previous: str | None, now: datetime, grace_s: int) -> dict[str, Any]:
    row = {"live": live, "live_since": to_text(now)}
    if previous:
        row |= {"previous": previous, "previous_until": to_text(now + timedelta(seconds=grace_s))}
    return row


def _entry(
    release: CurrentRelease, outcome: Outcome, request: Request, *, gen: int, to: str | None
) -> ReleaseEntry:
    at = to_text(request.at)
    return ReleaseEntry(
        pipeline=release.pipeline,
        # A generation ends once, so its number makes the key unique within one second.
        entry=f"history#{at}#{gen:06d}",
        gen=gen,
        at=at,
        who=request.who,
        why=request.why,
        from_version=release.live,
        to_version=to,
        candidate=release.candidate,
        outcome=outcome,
    )


def _previous(release: CurrentRelease) -> str:
    if release.previous is None:
        raise Conflict(f"pipeline {release.pipeline!r} has no previous version to roll back to")
    return release.previous


def _at_gen(release: CurrentRelease | None) -> Condition:
    return having("gen", release.gen) if release else Absent("gen")


def _lease_free(now: datetime) -> Condition:
    return any_of(Absent("lease_until"), AtMost("lease_until", to_text(now - LEASE_MARGIN)))


def _mine(release: CurrentRelease) -> Condition:
    """Require the generation, phase, candidate and owner that this worker read under its lease."""
    return all_of(
        having("gen", release.gen),
        having("phase", str(release.phase)),
        having("candidate", release.candidate),
        having("owner", release.owner),
    )
