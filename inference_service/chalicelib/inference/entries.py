"""The history of a release: one entry for every change, written in the same transaction as the change."""

from datetime import datetime

from chalicelib.inference.states import CurrentRelease, Outcome, ReleaseEntry, Request

from shared.clock import to_text


def time_of(release: CurrentRelease, now: datetime) -> str:
    """Return when a change of *release* happened, never before the change that went before it.

    Clocks of two machines differ by seconds: a history in their order would tell of another order.
    """
    return max(to_text(now), release.updated_at)


def entry_of(
    release: CurrentRelease,
    outcome: Outcome,
    request: Request,
    *,
    gen: int | None = None,
    to: str | None,
) -> ReleaseEntry:
    """Return the entry that says that *outcome* happened to *release*, and that *to* is live since."""
    at = time_of(release, request.at)
    gen = release.gen if gen is None else gen
    return ReleaseEntry(
        pipeline=release.pipeline,
        # Within one second the row's revision keeps them in order: every change counts it up.
        entry=f"history#{at}#{gen:06d}#{release.rev:08d}",
        gen=gen,
        at=at,
        who=request.who,
        why=request.why,
        from_version=release.live,
        to_version=to,
        candidate=release.candidate,
        outcome=outcome,
    )
