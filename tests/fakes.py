"""In-memory stand-ins for the shared adapters; they pass the same contract tests as the real ones."""

import copy
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.bus import Bus
from shared.codec import Row, from_item, to_item
from shared.conditions import Condition
from shared.errors import ConditionFailed
from shared.events import Event
from shared.tables import Change, Page, Table, Write
from tests.buckets import FakeBucket

__all__ = ["FakeBucket", "FakeBus", "FakeClock", "FakeTable"]

Key = tuple[str, ...]


class FakeTable(Table):
    """A table in a dict. A transaction's parts carry closures instead of requests."""

    def __init__(self, name: str, *keys: str) -> None:
        nobody: Any = None
        super().__init__(nobody, name, *keys)
        self.rows: dict[Key, Row] = {}

    def get(self, *key: str) -> Row | None:
        return copy.deepcopy(self.rows.get(key))

    def query(
        self,
        partition: str,
        *,
        prefix: str = "",
        between: tuple[int, int] | None = None,
        index: str | None = None,
        keys: tuple[str, str] | None = None,
        descending: bool = False,
        limit: int | None = None,
        cursor: Row | None = None,
    ) -> Page:
        first, second = keys or (self.keys[0], self.keys[-1])
        found = [
            row
            for row in self.rows.values()
            if row.get(first) == partition and str(row.get(second, "")).startswith(prefix) and second in row
        ]
        if between:
            found = [row for row in found if between[0] <= row[second] <= between[1]]
        found.sort(key=lambda row: (row[second], self._key_of(row)), reverse=descending)
        if cursor:
            keys_of = [self._key_of(row) for row in found]
            found = found[keys_of.index(self._key_of(cursor)) + 1 :]
        shown = found[:limit]
        more = len(shown) < len(found)
        last = {name: shown[-1][name] for name in {*self.keys, first, second}} if more else None
        return Page(rows=copy.deepcopy(shown), cursor=last)

    def put(self, row: Mapping[str, Any], *, only_if: Condition | None = None) -> None:
        self.transact(self.putting(row, only_if=only_if))

    def update(self, key: Key, change: Change, *, only_if: Condition | None = None) -> Row:
        self.transact(self.updating(key, change, only_if=only_if))
        return copy.deepcopy(self.rows[key])

    def delete(self, key: Key, *, only_if: Condition | None = None) -> None:
        self.transact(self.deleting(key, only_if=only_if))

    def putting(self, row: Mapping[str, Any], *, only_if: Condition | None = None) -> Write:
        key = self._key_of(row)
        # Through the codec, so that a value DynamoDB would refuse or change is refused or changed here too.
        stored = from_item(to_item(row))
        return self._part("Put", key, only_if, lambda: self.rows.__setitem__(key, stored))

    def updating(self, key: Key, change: Change, *, only_if: Condition | None = None) -> Write:
        def apply() -> None:
            row = self.rows.setdefault(key, dict(zip(self.keys, key, strict=True)))
            row.update(from_item(to_item(change.set)))
            for name, amount in {"rev": 1, **change.add}.items():
                row[name] = row.get(name, 0) + amount
            for name in change.remove:
                row.pop(name, None)

        return self._part("Update", key, only_if, apply)

    def deleting(self, key: Key, *, only_if: Condition | None = None) -> Write:
        return self._part("Delete", key, only_if, lambda: self.rows.pop(key, None))

    def checking(self, key: Key, only_if: Condition) -> Write:
        return self._part("ConditionCheck", key, only_if, lambda: None)

    def transact(self, *writes: Write) -> None:
        for write in writes:
            write.request["check"]()
        for write in writes:
            write.request["apply"]()

    def _part(self, kind: str, key: Key, only_if: Condition | None, apply: Any) -> Write:
        return Write(kind=kind, request={"check": lambda: self._check(key, only_if), "apply": apply})

    def _check(self, key: Key, only_if: Condition | None) -> None:
        if only_if is not None and not only_if.holds(self.rows.get(key, {})):
            raise ConditionFailed(f"write {self.name} {key}: the condition does not hold")

    def _key_of(self, row: Mapping[str, Any]) -> Key:
        return tuple(row[name] for name in self.keys)


class FakeBus(Bus):
    """Keeps what was announced, as structs and as the entries PutEvents would have got."""

    def __init__(self, stage: str = "local") -> None:
        event_bridge: Any = self
        super().__init__(event_bridge, stage)
        self.events: list[Event] = []
        self.entries: list[dict[str, str]] = []

    def announce(self, *events: Event, correlation_id: str = "", causation_id: str | None = None) -> None:
        super().announce(*events, correlation_id=correlation_id, causation_id=causation_id)
        self.events += events

    def call(self, _operation: str, request: dict[str, Any]) -> dict[str, Any]:
        self.entries += request["Entries"]
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in request["Entries"]]}

    def named(self, kind: type[Event]) -> list[Event]:
        """Return the announced events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]


class FakeClock:
    """A clock that moves when told to."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self.now = start

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        """Move on by *seconds*."""
        self.now += timedelta(seconds=seconds)
