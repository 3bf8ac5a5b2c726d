"""The release machine: one pipeline, its events, its minute, people who promote, roll back and stop, all at once."""

from collections.abc import Iterator
from functools import partial
from typing import Any
from unittest.mock import patch

import msgspec
from chalicelib.inference.naming import endpoint_name
from chalicelib.inference.states import CurrentRelease, Outcome, Request
from chalicelib.inference.workflow import deleting, mending, requests, rollout, tidying
from chalicelib.inference.workflow.context import Releasing

from shared.entities.serving import Phase
from shared.events import ModelVersionApproved
from tests.explorer.deletions import ERASE, TOLD, defined, is_defined, life_of, of_the_definition
from tests.explorer.explore import Found, explore
from tests.explorer.machine import Left, Machine, State, changed, quiet, wished
from tests.explorer.neighbours import (
    CLOCK,
    LONG_AGO,
    MODELS,
    NOW,
    PIPELINE,
    STAGE,
    World,
    changed_event,
    known_models,
    rows_of,
    tables,
    wired,
)
from tests.explorer.promises import broken_by, broken_now, is_awaited, release_of
from tests.explorer.replay import Asking, Rows, TurnedPage

FIRST, APPROVED = "v1 is approved", "v3 is approved"
# What each minute does, one after the other; here in any order and each for itself, which is more than happens.
MINUTE = {
    "the minute takes down": deleting.take_down,
    "the minute goes on": tidying.go_on,
    "the minute hears": tidying.hear_lost_approval,
    "the minute mends": mending.mend,
    "the minute reaps": tidying.reap,
}
PROMOTE, ALSO_PROMOTE, ROLL_BACK, STOP = "ada promotes v3", "bob promotes v4", "ada rolls back", "bob stops"
GOES_ON = ", going on"
REJECT, DELETE = "eve rejects v3", "eve deletes the candidate's endpoint"  # by hand, past everything


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """How the pipeline releases, what is approved beside what is live, what is on the bus, and what may go wrong."""

    release: dict[str, Any] = {}
    approved: tuple[str, ...] = ("v3",)
    bus: tuple[str, ...] = ()
    left: Left = Left()
    wrong: frozenset[str] = frozenset()  # versions that do not answer as training did
    is_first: bool = False
    crowded: bool = False  # the minute comes in the middle of other work, too
    grace_ends: bool = False
    reaps_early: bool = False  # the reaper looks although nothing should be its own


def explore_releases(setting: Setting, *, blind: dict[str, frozenset[str]] | None = None) -> Found:
    """Visit every state of the machine, without the guards that are *blind*."""
    asking = Asking()
    rows, endpoints = rows_of(setting.approved, is_first=setting.is_first)
    known = None if REJECT in setting.left.wishes else known_models(rows)
    definition, may_go = defined(setting.release), ERASE in setting.left.wishes
    adapters = wired(asking, definition, setting.wrong, known, may_go=may_go)
    rows = tuple(sorted((*rows, *definition))) if may_go else rows
    advance = rollout.advance
    handlers = _handlers(adapters)
    handlers |= {f"{name}{GOES_ON}": partial(advance, adapters, PIPELINE) for name in handlers}
    events = frozenset(handlers) - {PROMOTE, ALSO_PROMOTE, ROLL_BACK, STOP, *MINUTE}
    machine = Machine(asking, handlers, events, tables, blind or {}, _name_for)

    def steps(state: State) -> Iterator[tuple[str, State]]:
        yield from machine.of_workers(state)
        yield from machine.of_events(state)
        yield from machine.of_wishes(state)
        yield from _of_the_world(state)
        yield from _of_time(state, grace_ends=setting.grace_ends)
        yield from of_the_definition(state, setting.release)
        if setting.crowded or not state.workers:
            yield from _of_the_minute(machine, state, setting)

    begin = State(rows=rows, world=World(endpoints=endpoints), bus=setting.bus, left=setting.left)
    # Requests that are on their way to an endpoint are no part of this machine.
    with quiet(), patch.object(tidying, "ON_ITS_WAY_S", -1), patch.object(rollout, "advance", _turn_the_page):
        return explore(begin, steps, broken_now, _is_at_rest, partial(broken_by, wrong=setting.wrong))


def _turn_the_page(*_: Any) -> None:
    """Every story ends with what the release can do now, whatever was read before."""
    raise TurnedPage(GOES_ON)


def _handlers(adapters: Releasing) -> dict[str, Any]:
    def ask(who: str) -> Request:
        return Request(who=who, why="asked", at=CLOCK())

    def hear(version: str) -> None:
        event = ModelVersionApproved(pipeline=PIPELINE, version=version, job_id="j")
        requests.on_model_approved(adapters, event)

    return {
        FIRST: lambda: hear("v1"),
        TOLD: lambda: deleting.take_down(adapters, PIPELINE),
        APPROVED: lambda: hear("v3"),
        **{
            changed_event(version): partial(
                rollout.on_endpoint_changed, adapters, endpoint_name(STAGE, PIPELINE, version)
            )
            for version in MODELS
        },
        **{name: partial(work, adapters, PIPELINE) for name, work in MINUTE.items()},
        PROMOTE: lambda: requests.promote(adapters, PIPELINE, "v3", ask("ada")),
        ALSO_PROMOTE: lambda: requests.promote(adapters, PIPELINE, "v4", ask("bob")),
        ROLL_BACK: lambda: requests.roll_back(adapters, PIPELINE, ask("ada")),
        STOP: lambda: requests.stop(adapters, PIPELINE, ask("bob")),
    }


def _name_for(state: State, handler: str) -> str:
    """Return a name that no worker has, and that no dead one left in the row."""
    release = release_of(state)
    used = {worker.name for worker in state.workers} | {release.owner if release else None}
    return next(name for name in (handler, f"{handler}, too", f"{handler}, again") if name not in used)


def _of_the_minute(machine: Machine, state: State, setting: Setting) -> Iterator[tuple[str, State]]:
    """Begin a part of the minute; the next minute begins when this one is over, as its function is that quick."""
    if any(worker.handler.startswith("the minute") for worker in state.workers):
        return
    for name in MINUTE:
        if _has_work(name, state) or (setting.reaps_early and name == "the minute reaps"):
            yield from machine.begins(state, name, "a minute later")


def _has_work(name: str, state: State) -> bool:
    """Say whether the minute would find something to do: one that reads and does nothing is left out.

    Whoever acts reads again under the lease, or is fenced: to have begun earlier makes no difference.
    """
    release, made = release_of(state), dict(state.world.endpoints)
    if name == "the minute hears":
        is_free = release is None or (release.candidate is None and is_awaited(state, life_of(state)))
        return is_free and is_defined(state)
    if release is None:
        return False
    if name == "the minute takes down":
        return release.life < life_of(state)
    if name == "the minute goes on":
        return release.attention is not None
    if name == "the minute mends":
        return release.live is not None and made.get(release.live) in {None, "Failed"} and is_defined(state)
    in_grace = {release.previous} if (release.previous_until or "") >= NOW else set()
    return bool(made.keys() - {release.live, release.candidate} - in_grace)


def _of_the_world(state: State) -> Iterator[tuple[str, State]]:
    world: World = state.world
    for version, status in world.endpoints:
        for end in ("InService", "Failed") if status == "Creating" else ():
            if end == "InService" or state.left.failures:
                left = msgspec.structs.replace(state.left, failures=state.left.failures - (end == "Failed"))
                told = tuple(sorted({*state.bus, changed_event(version)}))
                after = changed(state, world=world.with_endpoint(version, end), bus=told, left=left)
                yield f"SageMaker: the endpoint of {version} is {end}", after
    release = release_of(state)
    if release and release.phase in {Phase.SHADOW, Phase.CANARY}:
        step = (release.gen, release.step)
        for how in ("well", "badly") if world.tally[:2] != step else ():
            yield (
                f"requests go {how}",
                changed(state, world=msgspec.structs.replace(world, tally=(*step, how))),
            )


def _of_time(state: State, *, grace_ends: bool) -> Iterator[tuple[str, State]]:
    """Let leases of the dead run out and the grace of a version end; and what somebody does past everything."""
    release = release_of(state)
    names = {worker.name for worker in state.workers}
    if release and (release.lease_until or "") > NOW and release.owner not in names:
        yield "the lease runs out", changed(state, rows=_with(state.rows, "lease_until"))
    if release and grace_ends and (release.previous_until or "") >= NOW:
        yield "the grace is over", changed(state, rows=_with(state.rows, "previous_until"))
    if REJECT in state.left.wishes:
        yield REJECT, changed(wished(state, REJECT), rows=_rejected(state.rows))
    candidate = release.candidate if release else None
    if DELETE in state.left.wishes and candidate in dict(state.world.endpoints):
        yield DELETE, changed(wished(state, DELETE), world=_by_hand(state.world, candidate or ""))


def _by_hand(world: World, version: str) -> World:
    return msgspec.structs.replace(world.with_endpoint(version, ""), is_meddled=True)


def _with(rows: Rows, attribute: str) -> Rows:
    return _changed_row(rows, ("releases", (PIPELINE, "current")), {attribute: LONG_AGO})


def _rejected(rows: Rows) -> Rows:
    return _changed_row(rows, ("models", (PIPELINE, "v3")), {"state": "REJECTED"})


def _changed_row(rows: Rows, place: tuple[str, tuple[str, ...]], change: dict[str, str]) -> Rows:
    encode = msgspec.json.Encoder(order="sorted").encode
    return tuple(
        (table, key, encode(msgspec.json.decode(body) | change) if (table, key) == place else body)
        for table, key, body in rows
    )


def _has_next(state: State) -> bool:
    return is_awaited(state, life_of(state))


def _is_at_rest(state: State) -> bool:
    release: CurrentRelease | None = release_of(state)
    if state.workers or release is None or release.candidate or release.attention:
        return False
    made = dict(state.world.endpoints)
    if release.live is None and release.outcome == Outcome.DELETED:
        # Of the pipeline that is defined again, what was approved is still to come.
        return release.life == life_of(state) and not made and not (is_defined(state) and _has_next(state))
    if release.life < life_of(state):
        return False
    return made.get(release.live or "") == "InService" and made.keys() <= {release.live, release.previous}
