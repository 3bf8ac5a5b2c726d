"""A machine: workers that run real handlers, the tables, a world beside them, events, and what may still go wrong."""

import contextlib
import io
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from shared.errors import HeadraceError, Unavailable
from tests.explorer.replay import Answer, Asking, Call, Paused, Rows, Stage, TurnedPage, Worker, carried
from tests.simulation.tables import SimTable

MOST_WORKERS = 2
MOST_EVENTS = 2  # of one kind on the bus
FAILED = "failed"


class Left(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """What may still go wrong, each so many times."""

    crashes: int = 0
    losses: int = 0
    duplicates: int = 0
    no_answers: int = 0
    delays: int = 0
    wishes: tuple[str, ...] = ()
    failures: int = 0


class State(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """All there is at one moment."""

    rows: Rows
    world: Any
    workers: tuple[Worker, ...] = ()
    bus: tuple[str, ...] = ()
    left: Left


class Machine:
    """Runs *handlers*, each by the name of its event or wish; *events* are those that the bus begins again if they fail.

    ``name_for`` names who is begun, where handlers ask who they are.
    ``blind`` are the attributes that conditions do not see, by table: a guard that was taken away.
    """

    def __init__(
        self,
        asking: Asking,
        handlers: Mapping[str, Callable[[], object]],
        events: frozenset[str],
        tables: Callable[[], dict[str, SimTable]],
        blind: dict[str, frozenset[str]],
        name_for: Callable[[State, str], str] = lambda *_: "",
    ) -> None:
        self._asking = asking
        self._name_for = name_for
        self._handlers = handlers
        self._events = events
        self._tables = tables
        self._blind = blind
        self._calls: dict[Worker, Call | Worker | str] = {}
        self._done: dict[Any, tuple[Answer, Rows, Any, tuple[str, ...]]] = {}

    def begins(self, state: State, handler: str, how: str) -> Iterator[tuple[str, State]]:
        """Yield the state after the first call of one more worker, if there is room for one."""
        if len(state.workers) < MOST_WORKERS:
            new = Worker(handler, (), self._name_for(state, handler))
            for what, after in self._goes_on(state, new, state.workers):
                yield f"{how}; {what}", after

    def of_workers(self, state: State) -> Iterator[tuple[str, State]]:
        """Yield what each worker may do next, and that it is killed before."""
        for place, worker in enumerate(state.workers):
            if worker in state.workers[:place]:
                continue
            others = state.workers[:place] + state.workers[place + 1 :]
            yield from self._goes_on(state, worker, others)
            if state.left.crashes:
                left = msgspec.structs.replace(state.left, crashes=state.left.crashes - 1)
                bus = self._with(state.bus, self._again(worker))
                yield f"{worker.handler} is KILLED", changed(state, workers=others, bus=bus, left=left)

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
            yield from self.begins(changed(state, bus=tuple(rest)), event, "it arrives")

    def of_wishes(self, state: State) -> Iterator[tuple[str, State]]:
        """Yield what people ask for, each wish once."""
        for wish in sorted(self._handlers.keys() & set(state.left.wishes)):
            yield from self.begins(wished(state, wish), wish, "it is asked for")

    def _next(self, worker: Worker) -> Call | Worker | str:
        if worker not in self._calls:
            self._calls[worker] = self._run(worker)
        return self._calls[worker]

    def _run(self, worker: Worker) -> Call | Worker | str:
        self._asking.begin(worker)
        try:
            self._handlers[worker.handler]()
        except Paused as paused:
            return paused.call
        except TurnedPage as turned:
            return Worker(f"{worker.handler}{turned.handler}", (), worker.name)
        except Unavailable:
            return FAILED
        except HeadraceError as error:
            return f"ends: {type(error).__name__}: {error}"
        return "ends"

    def _goes_on(
        self, state: State, worker: Worker, others: tuple[Worker, ...]
    ) -> Iterator[tuple[str, State]]:
        call = self._next(worker)
        if not isinstance(call, Call):
            yield self._answered(state, worker, others, worker.handler)
            return
        key = (worker, state.rows, state.world)
        if key not in self._done:
            self._done[key] = self._do(state, call)
        answer, rows, world, events = self._done[key]
        after = changed(state, rows=rows, world=world, bus=self._with(state.bus, events))
        what = f"{worker.handler}: {call.what}"
        said = "" if answer[0] == "value" else f": {answer[0]}"
        yield self._answered(after, worker.after(answer), others, what + said)
        if state.left.no_answers and call.what.startswith("create"):
            left = msgspec.structs.replace(state.left, no_answers=state.left.no_answers - 1)
            unanswered = worker.after(("Unavailable", "no answer"))
            yield self._answered(changed(after, left=left), unanswered, others, f"{what}, NO ANSWER")

    def _answered(
        self, state: State, worker: Worker, others: tuple[Worker, ...], what: str
    ) -> tuple[str, State]:
        """Return the state with *worker*, or without it where it asks nothing more."""
        call = self._next(worker)
        if isinstance(call, Worker):
            return self._answered(state, call, others, what)
        if isinstance(call, Call):
            return what, changed(state, workers=_in_order((*others, worker)))
        bus = self._with(state.bus, self._again(worker) if call is FAILED else ())
        return f"{what}; {call}", changed(state, workers=others, bus=bus)

    def _do(self, state: State, call: Call) -> tuple[Answer, Rows, Any, tuple[str, ...]]:
        stage = Stage(self._tables(), state.rows, state.world, self._blind)
        try:
            answer: Answer = ("value", carried(call.work(stage)))
        except HeadraceError as error:
            answer = (type(error).__name__, str(error))
        return answer, stage.rows(), stage.world, tuple(stage.events)

    def _again(self, worker: Worker) -> tuple[str, ...]:
        event = worker.handler.partition(",")[0]
        return (event,) if event in self._events else ()

    def _with(self, bus: tuple[str, ...], events: tuple[str, ...]) -> tuple[str, ...]:
        for event in events:
            if bus.count(event) < MOST_EVENTS:
                bus = tuple(sorted((*bus, event)))
        return bus


def _in_order(workers: Iterable[Worker]) -> tuple[Worker, ...]:
    """Return *workers* so that the same ones are the same tuple."""
    found = sorted(workers, key=_rank)
    # To spell all answers out takes longer than everything else here, and is seldom needed.
    is_clear = len({_rank(worker) for worker in found}) == len(found)
    return tuple(found if is_clear else sorted(found, key=repr))


def _rank(worker: Worker) -> tuple[str, str, int]:
    return worker.handler, worker.name, len(worker.answers)


def wished(state: State, wish: str) -> State:
    """Return the state with one wish less to come."""
    rest = list(state.left.wishes)
    rest.remove(wish)
    return changed(state, left=msgspec.structs.replace(state.left, wishes=tuple(rest)))


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
