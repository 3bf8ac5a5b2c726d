"""A machine: workers that run real handlers, the tables, a world beside them, events, and what may still go wrong."""

import contextlib
import io
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from shared.errors import HeadraceError, Unavailable
from tests.explorer.replay import Answer, Asking, Call, Paused, Rows, Stage, Worker, carried

MOST_WORKERS = 2
MOST_EVENTS = 2  # of one kind on the bus


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """What may still go wrong, each so many times."""

    crashes: int = 0
    losses: int = 0
    duplicates: int = 0
    no_answers: int = 0
    delays: int = 0
    wishes: tuple[str, ...] = ()
    failures: int = 0


class State(msgspec.Struct, frozen=True, kw_only=True):
    """All there is at one moment."""

    rows: Rows
    world: tuple[Any, ...]
    workers: tuple[Worker, ...] = ()
    bus: tuple[str, ...] = ()
    left: Left


class Machine:
    """Runs *handlers*; of each kind of event the handler has the event's name, and it is begun again if it failed.

    ``blind`` are the attributes that conditions do not see, by table: a guard that was taken away.
    """

    def __init__(
        self,
        asking: Asking,
        handlers: Mapping[str, Callable[[], object]],
        keys: dict[str, tuple[str, ...]],
        blind: dict[str, frozenset[str]],
    ) -> None:
        self._asking = asking
        self._handlers = handlers
        self._keys = keys
        self._blind = blind
        self._calls: dict[Worker, Call | str] = {}
        self._done: dict[Any, tuple[Answer, Rows, Any, tuple[str, ...]]] = {}

    def of_workers(self, state: State) -> Iterator[tuple[str, State]]:
        """Yield what each worker may do next, or what may end it."""
        for place, worker in enumerate(state.workers):
            if worker in state.workers[:place]:
                continue
            others = state.workers[:place] + state.workers[place + 1 :]
            call = self._next(worker)
            if isinstance(call, str):
                again = (worker[0],) if call == "failed" else ()
                yield f"{worker[0]} {call}", changed(state, workers=others, bus=self._with(state.bus, again))
                continue
            if state.left.crashes and worker[1]:
                left = msgspec.structs.replace(state.left, crashes=state.left.crashes - 1)
                bus = self._with(state.bus, (worker[0],))
                yield (
                    f"{worker[0]} is KILLED before {call.what}",
                    changed(state, workers=others, bus=bus, left=left),
                )
            yield from self._carried_out(state, worker, others, call)

    def of_events(self, state: State) -> Iterator[tuple[str, State]]:
        """Yield what may become of each event on the bus."""
        for event in sorted(set(state.bus)):
            rest = list(state.bus)
            rest.remove(event)
            if state.left.losses:
                left = msgspec.structs.replace(state.left, losses=state.left.losses - 1)
                yield f"{event} is LOST", changed(state, bus=tuple(rest), left=left)
            if state.left.duplicates and state.bus.count(event) < MOST_EVENTS:
                left = msgspec.structs.replace(state.left, duplicates=state.left.duplicates - 1)
                yield f"{event} is DOUBLED", changed(state, bus=self._with(state.bus, (event,)), left=left)
            if len(state.workers) < MOST_WORKERS:
                yield f"{event} arrives", changed(begun(state, event), bus=tuple(rest))

    def _next(self, worker: Worker) -> Call | str:
        if worker not in self._calls:
            self._calls[worker] = self._run(worker)
        return self._calls[worker]

    def _run(self, worker: Worker) -> Call | str:
        self._asking.begin(worker[1])
        try:
            self._handlers[worker[0]]()
        except Paused as paused:
            return paused.call
        except Unavailable:
            return "failed"
        except HeadraceError as error:
            return f"ends: {type(error).__name__}"
        return "ends"

    def _carried_out(
        self, state: State, worker: Worker, others: tuple[Worker, ...], call: Call
    ) -> Iterator[tuple[str, State]]:
        key = (worker, state.rows, state.world)
        if key not in self._done:
            self._done[key] = self._do(state, call)
        answer, rows, world, events = self._done[key]
        after = changed(state, rows=rows, world=world, bus=self._with(state.bus, events))
        went_on = (worker[0], (*worker[1], answer))
        said = "" if answer[0] == "value" else f": {answer[0]}"
        yield (
            f"{worker[0]}: {call.what}{said}",
            changed(after, workers=tuple(sorted((*others, went_on), key=repr))),
        )
        if state.left.no_answers and call.what.startswith("create"):
            left = msgspec.structs.replace(state.left, no_answers=state.left.no_answers - 1)
            went_on = (worker[0], (*worker[1], ("Unavailable", "no answer")))
            workers = tuple(sorted((*others, went_on), key=repr))
            yield f"{worker[0]}: {call.what}, NO ANSWER", changed(after, workers=workers, left=left)

    def _do(self, state: State, call: Call) -> tuple[Answer, Rows, Any, tuple[str, ...]]:
        stage = Stage(self._keys, state.rows, state.world, self._blind)
        try:
            answer: Answer = ("value", carried(call.work(stage)))
        except HeadraceError as error:
            answer = (type(error).__name__, str(error))
        return answer, stage.rows(), stage.world, tuple(stage.events)

    def _with(self, bus: tuple[str, ...], events: tuple[str, ...]) -> tuple[str, ...]:
        for event in events:
            if bus.count(event) < MOST_EVENTS:
                bus = tuple(sorted((*bus, event)))
        return bus


def begun(state: State, handler: str) -> State:
    """Return the state with one more worker at its beginning."""
    return changed(state, workers=tuple(sorted((*state.workers, (handler, ())), key=repr)))


def changed(state: State, **parts: Any) -> State:
    """Return the state with other parts."""
    return msgspec.structs.replace(state, **parts)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep logs and metric lines to ourselves."""
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(logging.NOTSET)
