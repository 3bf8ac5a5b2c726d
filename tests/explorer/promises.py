"""What must hold of releases: of every state, and of every step from one to the next."""

import re
from collections.abc import Iterator
from functools import cache

import msgspec
from chalicelib.inference.release_moves import ReleaseMove
from chalicelib.inference.states import AUTOMATIC, ENDINGS, CurrentRelease, Intent, Outcome, ReleaseEntry
from chalicelib.inference.workflow.rollout import MAKING

from shared.entities.serving import Phase
from shared.entities.training import ModelVersion
from tests.explorer.deletions import life_of
from tests.explorer.machine import State
from tests.explorer.neighbours import NOW, PIPELINE
from tests.explorer.replay import Rows

ROLLBACK_REFUSED = re.compile(r"rolls back.* ends: Conflict")
LEGAL = {(before, move.value.to) for move in ReleaseMove for before in move.value.after}
MADE: set[tuple[Phase, Phase]] = set()  # the changes of phase that were seen


def release_of(state: State) -> CurrentRelease | None:
    """Return the row that says what serves."""
    return _current(_released(state.rows))


def is_awaited(state: State, life: int = 0) -> bool:
    """Say whether a version of this *life* that is approved and was compared with what is live was never tried."""
    release, tried = release_of(state), {entry.candidate for entry in _history(_released(state.rows))}
    live = release.live if release else None
    return any(
        model.state == "APPROVED"
        and model.life >= life
        and model.evaluated_champion == live
        and model.version not in tried
        for model in _models(state.rows).values()
    )


def broken_now(state: State) -> str:
    """Return what is wrong in this state."""
    return _history_is_broken(_released(state.rows))


def broken_by(before: State, what: str, after: State, *, wrong: frozenset[str]) -> str:
    """Return what is wrong with this step; *wrong* are the versions that do not answer as training did."""
    if ROLLBACK_REFUSED.search(what) and "has no previous version" not in what:
        return f"a rollback is refused: {what}"
    if before.world.endpoints != after.world.endpoints and (sentence := _deleted(before, what, after)):
        return sentence
    if before.rows == after.rows:
        return ""
    was, now = release_of(before), release_of(after)
    if now is None:
        return ""
    row = was or msgspec.structs.replace(now, phase=Phase.IDLE, gen=0, live=None, candidate=None, owner=None)
    sentences = (
        *_moves(row, now),
        *_entries(before, after),
        *_serves(row, now, after, wrong),
        *_begins(row, now, after),
        *_leases(row, now, before, after),
        *_ends(row, now, after),
    )
    return next(iter(sentences), "")


def _deleted(before: State, what: str, after: State) -> str:
    release = release_of(before)
    gone = dict(before.world.endpoints).keys() - dict(after.world.endpoints).keys()
    if release is None or what.startswith("eve"):
        return ""
    # What is on its way back may be in a reaper's hands still: who makes it waits for the lease, and makes it anew.
    kept = {release.live} if release.phase in MAKING else {release.live, release.candidate}
    if (release.previous_until or "") >= NOW:
        kept.add(release.previous)
    serving = {version for version in gone & kept if dict(before.world.endpoints)[version] == "InService"}
    return f"the endpoint of {min(serving)} is deleted, which may have to serve" if serving else ""


def _moves(was: CurrentRelease, now: CurrentRelease) -> Iterator[str]:
    if now.phase is not was.phase:
        MADE.add((was.phase, now.phase))
        if (was.phase, now.phase) not in LEGAL:
            yield f"the release was {was.phase} and is {now.phase}, which is no move of it"
    if now.gen < was.gen:
        yield f"generation {was.gen} is followed by generation {now.gen}"


def _entries(before: State, after: State) -> Iterator[str]:
    old, new = _history(_released(before.rows)), _history(_released(after.rows))
    if new[: len(old)] != old:
        yield "the history is changed, or told in another order than it happened"


def _serves(was: CurrentRelease, now: CurrentRelease, after: State, wrong: frozenset[str]) -> Iterator[str]:
    if now.live == was.live or now.live is None:
        return
    status = dict(after.world.endpoints).get(now.live)
    if status != "InService" and not after.world.is_meddled:
        yield f"{now.live} is made live and its endpoint is {status or 'gone'}"
    if now.live in wrong:
        yield f"{now.live} is made live and does not answer as training did"


def _begins(was: CurrentRelease, now: CurrentRelease, after: State) -> Iterator[str]:
    if now.candidate is None or now.gen == was.gen:
        return
    if now.intent is Intent.ROLLBACK:
        return
    model = _models(after.rows)[now.candidate]
    if model.state != "APPROVED":
        yield f"{model.version} is released and is {model.state}"
    if model.life < now.life and now.who == AUTOMATIC:
        yield f"{model.version} releases itself, and the pipeline it was trained for is deleted"
    if model.evaluated_champion != now.live:
        yield f"{model.version} is released beside {now.live} and was compared with {model.evaluated_champion}"


def _leases(was: CurrentRelease, now: CurrentRelease, before: State, after: State) -> Iterator[str]:
    bystanders = {worker.name for worker in set(before.workers) & set(after.workers)}
    if was.owner in bystanders and now.owner != was.owner:
        yield f"the lease of {was.owner} is taken from it, and it is at work"
    is_taken_down = now.outcome == Outcome.DELETED
    if was.attention and now.attention is None and after.world.told < now.gen and not is_taken_down:
        yield f"generation {now.gen} is closed and nobody was told of its end"


def _ends(was: CurrentRelease, now: CurrentRelease, after: State) -> Iterator[str]:
    life = life_of(after)
    if was.live and now.live is None and not was.life < now.life <= life:
        yield f"{was.live} is taken down in life {now.life}, and the pipeline is in life {life}"
    if now.candidate and now.gen != was.gen and now.life != life and was.life == life:
        yield f"{now.candidate} is released in life {now.life}, which is over"


@cache
def _history_is_broken(rows: Rows) -> str:
    release, history = _current(rows), _history(rows)
    return next(_untrue(release, history), "") if release else ""


def _untrue(release: CurrentRelease, history: tuple[ReleaseEntry, ...]) -> Iterator[str]:
    live: str | None = None
    for entry in history:
        if entry.from_version != live:
            yield f"the history goes on from {entry.from_version}, and {live} was live"
        live = entry.to_version
    if live != release.live:
        yield f"{release.live} is live, and the history says {live}"
    yield from _overlapping(release, history)


def _overlapping(release: CurrentRelease, history: tuple[ReleaseEntry, ...]) -> Iterator[str]:
    under_way: str | None = None
    ended: set[str | None] = set()
    for entry in history:
        if entry.outcome is Outcome.STARTED:
            if under_way:
                yield f"{entry.candidate} is begun while {under_way} is under way"
            if entry.who == AUTOMATIC and entry.candidate in ended:
                yield f"{entry.candidate} is released again, and nobody asked for it"
            under_way = entry.candidate
        elif entry.outcome in ENDINGS:
            ended.add(entry.candidate)
            under_way = None
    if under_way != release.candidate:
        yield f"{release.candidate} is under way, and the history says {under_way}"


@cache
def _released(rows: Rows) -> Rows:
    """Return the rows of releases alone: few, so that what is said of them is said once."""
    return tuple(row for row in rows if row[0] == "releases")


@cache
def _current(rows: Rows) -> CurrentRelease | None:
    bodies = [body for _, key, body in rows if key == (PIPELINE, "current")]
    return msgspec.json.decode(bodies[0], type=CurrentRelease) if bodies else None


@cache
def _history(rows: Rows) -> tuple[ReleaseEntry, ...]:
    return tuple(
        msgspec.json.decode(body, type=ReleaseEntry) for _, key, body in rows if key[1].startswith("history#")
    )


@cache
def _models(rows: Rows) -> dict[str, ModelVersion]:
    return {
        key[1]: msgspec.json.decode(body, type=ModelVersion) for table, key, body in rows if table == "models"
    }
