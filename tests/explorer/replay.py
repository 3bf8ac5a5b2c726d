"""Real workflows, one call at a time, as plain values: a worker is its handler, the answers it has had, and a name.

To know what a worker does next, its handler is run again from the beginning with those answers; what a prefix of answers
leads to is remembered, so that a million states need some thousand runs.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from shared.codec import Row
from shared.errors import ConditionFailed, HeadraceError
from shared.tables import Change, Page, Write
from tests.fakes import FakeTable, Key
from tests.simulation.tables import SimTable

Rows = tuple[tuple[str, Key, bytes], ...]  # of all tables, in order
Answer = tuple[str, Any]  # "value" or the name of an error, and what it carries
_ENCODE = msgspec.json.Encoder(order="sorted").encode
_ERRORS: dict[str, type[HeadraceError]] = {kind.__name__: kind for kind in HeadraceError.__subclasses__()}
_ERRORS["ConditionFailed"] = ConditionFailed


class Worker(msgspec.Struct, frozen=True, cache_hash=True):
    """One run of a handler as far as it is; ``name`` is what it answers where it is asked who it is."""

    handler: str
    answers: tuple[Answer, ...] = ()
    name: str = ""

    def after(self, answer: Answer) -> "Worker":
        """Return the worker with one more answer."""
        return Worker(self.handler, (*self.answers, answer), self.name)


class Paused(BaseException):
    """The handler stands before this call."""

    def __init__(self, call: "Call") -> None:
        super().__init__(call.what)
        self.call = call


class TurnedPage(BaseException):
    """What the handler does from here on depends on nothing that it has been answered: it goes on as another handler."""

    def __init__(self, handler: str) -> None:
        super().__init__(handler)
        self.handler = handler


class Call(msgspec.Struct, frozen=True):
    """What a handler asks: in words, and as what is done to the tables or to the world."""

    what: str
    work: Callable[[Any], Any]


class Asking:
    """Stands for every adapter: gives the answers there are, then pauses."""

    def __init__(self) -> None:
        self.answers: tuple[Answer, ...] = ()
        self.name = ""
        self._next = 0
        self._paused: Paused | None = None

    def begin(self, worker: Worker) -> None:
        self.answers, self.name = worker.answers, worker.name
        self._next, self._paused = 0, None

    def ask(self, what: str, work: Callable[[Any], Any]) -> Any:
        if self._next >= len(self.answers):
            # What a ``finally`` asks on the way out comes later, if at all.
            self._paused = self._paused or Paused(Call(what, work))
            raise self._paused
        kind, carried = self.answers[self._next]
        self._next += 1
        if kind == "value":
            return msgspec.json.decode(carried) if isinstance(carried, bytes) else carried
        raise _ERRORS[kind](carried)


class AskingTable(FakeTable):
    """A table whose every call is a question; ``work`` is done to the table of the same name in the tables given."""

    def __init__(self, asking: Asking, name: str, *keys: str) -> None:
        super().__init__(name, *keys)
        self._asking = asking

    def get(self, *key: str) -> Row | None:
        answer: Row | None = self._asking.ask(
            f"get {self.name} {key}", lambda s: s.tables[self.name].get(*key)
        )
        return answer

    def query(self, partition: str, **options: Any) -> Page:
        rows = self._asking.ask(
            f"query {self.name} {partition}", lambda s: s.tables[self.name].query(partition, **options).rows
        )
        return Page(rows=rows)

    def put(self, row: Any, *, only_if: Any = None) -> None:
        self._asking.ask(f"put {self.name}", lambda s: s.tables[self.name].put(row, only_if=only_if))

    def update(self, key: Key, change: Change, *, only_if: Any = None) -> Row:
        told = " ".join(f"{name}={value}" for name, value in change.set.items() if name in _TOLD)
        answer: Row = self._asking.ask(
            f"update {self.name} {told}", lambda s: s.tables[self.name].update(key, change, only_if=only_if)
        )
        return answer

    def putting(self, row: Any, *, only_if: Any = None) -> Write:
        return Write(
            kind="put", request={"table": self.name, "do": lambda t: t.putting(row, only_if=only_if)}
        )

    def updating(self, key: Key, change: Change, *, only_if: Any = None) -> Write:
        told = " ".join(f"{name}={value}" for name, value in change.set.items() if name in _TOLD)
        do = {"do": lambda t: t.updating(key, change, only_if=only_if)}
        return Write(kind=f"update {told}", request={"table": self.name, **do})

    def checking(self, key: Key, only_if: Any) -> Write:
        return Write(kind="check", request={"table": self.name, "do": lambda t: t.checking(key, only_if)})

    def transact(self, *writes: Write) -> None:
        def work(stage: "Stage") -> None:
            made = [write.request["do"](stage.tables[write.request["table"]]) for write in writes]
            stage.tables[self.name].transact(*made)

        told = ", ".join(f"{write.request['table']} {write.kind}" for write in writes)
        self._asking.ask(f"transaction: {told}", work)


_TOLD = ("state", "attempt", "phase", "live", "candidate", "owner", "gen")


class Stage:
    """The tables as they are in one state, and the world beside them, to be changed by one call."""

    def __init__(
        self, tables: dict[str, SimTable], rows: Rows, world: Any, blind: dict[str, frozenset[str]]
    ) -> None:
        self.world = world
        self.events: list[str] = []
        self.tables = tables
        self._before = {(name, key): (decoded(body), body) for name, key, body in rows}
        for (name, key), (row, _) in self._before.items():
            tables[name]._replace(key, row)
        for name, attributes in blind.items():
            tables[name].blind = attributes

    def rows(self) -> Rows:
        found = [
            (name, key, self._body(name, key, row))
            for name, table in self.tables.items()
            for key, row in table.rows.items()
        ]
        return tuple(sorted(found))

    def _body(self, name: str, key: Key, row: Row) -> bytes:
        before, body = self._before.get((name, key), (None, b""))
        # Tables replace rows and never change them.
        return body if row is before else _ENCODE(row)


_DECODED: dict[bytes, Row] = {}


def decoded(body: bytes) -> Row:
    """Return the row that *body* is; not to be changed."""
    if body not in _DECODED:
        _DECODED[body] = msgspec.json.decode(body)
    return _DECODED[body]


def carried(value: Any) -> Any:
    """Return an answer as a value that can be compared and hashed."""
    if isinstance(value, msgspec.Struct):
        return value
    return _ENCODE(value) if isinstance(value, dict | list) else value
