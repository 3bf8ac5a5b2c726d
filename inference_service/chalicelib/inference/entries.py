"""The history of a release: one entry for every change, written in the same transaction as the change."""

from chalicelib.inference.states import CurrentRelease, Outcome, ReleaseEntry, Request

from shared.clock import to_text

# Within one second and generation, entries sort by their place: begun, its steps, its end; no two share one.
FIRST, LAST = 0, 99
_PLACES = {Outcome.AWAKE: 20, Outcome.RECREATED: 30, Outcome.ASLEEP: 40}


def entry_of(
    release: CurrentRelease,
    outcome: Outcome,
    request: Request,
    *,
    gen: int | None = None,
    place: int | None = None,
    to: str | None,
) -> ReleaseEntry:
    """Return the entry that says that *outcome* happened to *release*, and that *to* is live since."""
    at = to_text(request.at)
    gen = release.gen if gen is None else gen
    place = _PLACES.get(outcome, LAST) if place is None else place
    return ReleaseEntry(
        pipeline=release.pipeline,
        entry=f"history#{at}#{gen:06d}#{place:02d}",
        gen=gen,
        at=at,
        who=request.who,
        why=request.why,
        from_version=release.live,
        to_version=to,
        candidate=release.candidate,
        outcome=outcome,
    )
