"""The fake table made fast enough for millions of calls, with an index that lags and guards that can be taken away."""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

from shared.codec import Row
from shared.conditions import AllOf, AnyOf, Condition
from shared.errors import ConditionFailed
from shared.tables import Change, Page, Write
from tests.fakes import FakeTable, Key

LAST = itemgetter(-1)
Watcher = Callable[[Key, Row, Row], None]


class SimTable(FakeTable):
    """A table that keeps its partitions and its index ``attention`` beside the rows.

    ``watchers`` hear of every write: the key, the row before it (empty where there was none) and after it. ``blind`` are
    attributes that conditions do not see: as if the guard that reads them had been forgotten.
    """

    def __init__(
        self, name: str, *keys: str, now: Callable[[], float] = lambda: 0.0, lag_s: float = 0.0
    ) -> None:
        super().__init__(name, *keys)
        self.watchers: list[Watcher] = []
        self.blind: frozenset[str] = frozenset()
        self._now = now
        self._lag_s = lag_s
        self._partitions: dict[str, dict[Key, Row]] = {}
        self._sorted: dict[str, list[Key]] = {}
        self._open: dict[Key, Row] = {}
        self._before: dict[Key, tuple[float, Row]] = {}

    def get(self, *key: str) -> Row | None:
        row = self.rows.get(key)
        # Rows are replaced and never changed, so what is inside of one may be shared.
        return dict(row) if row is not None else None

    def query(self, partition: str, *, index: str | None = None, **options: Any) -> Page:
        if index == "attention" and not options.get("cursor"):
            found = [(row["updated_at"], key, row) for key, row in self._seen_in_index(partition)]
            found.sort(key=lambda seen: seen[:2])
            return Page(rows=[row for *_, row in found[: options.get("limit")]])
        if index or options.get("cursor") or options.get("keys"):
            return super().query(partition, index=index, **options)
        return self._of_partition(partition, **options)

    def _of_partition(
        self,
        partition: str,
        prefix: str = "",
        between: tuple[int, int] | None = None,
        descending: bool = False,
        limit: int | None = None,
    ) -> Page:
        rows = self._partitions.get(partition, {})
        keys = self._sorted.get(partition)
        if keys is None:
            # The table has one key or two; the last is what rows of a partition are sorted by.
            keys = self._sorted[partition] = sorted(rows)
        if prefix:
            # Nothing that we have sorts behind the last code point there is.
            last = f"{prefix}\U0010ffff"
            keys = keys[bisect_left(keys, prefix, key=LAST) : bisect_left(keys, last, key=LAST)]
        if between:
            keys = [key for key in keys if between[0] <= int(key[-1]) <= between[1]]
        shown = (keys[::-1] if descending else keys)[:limit]
        cursor = dict(zip(self.keys, shown[-1], strict=True)) if len(shown) < len(keys) else None
        # Whoever reads many rows only converts them: copies would be a sixth of all that the simulation does.
        return Page(rows=[rows[key] for key in shown], cursor=cursor)

    def put(self, row: Mapping[str, Any], *, only_if: Condition | None = None) -> None:
        self._commit((self.putting(row, only_if=only_if),))

    def update(self, key: Key, change: Change, *, only_if: Condition | None = None) -> Row:
        self._commit((self.updating(key, change, only_if=only_if),))
        return dict(self.rows[key])

    def delete(self, key: Key, *, only_if: Condition | None = None) -> None:
        self._commit((self.deleting(key, only_if=only_if),))

    def transact(self, *writes: Write) -> None:
        self._commit(writes)

    def putting(self, row: Mapping[str, Any], *, only_if: Condition | None = None) -> Write:
        key, stored = self._key_of(row), {name: plain(value) for name, value in row.items()}
        return self._part("Put", key, only_if, lambda: self._replace(key, stored))

    def updating(self, key: Key, change: Change, *, only_if: Condition | None = None) -> Write:
        def apply() -> None:
            row: Row = dict(self.rows.get(key) or zip(self.keys, key, strict=True))
            for name, value in change.set.items():
                row[name] = plain(value)
            row["rev"] = row.get("rev", 0) + 1
            for name, amount in change.add.items():
                row[name] = plain(row.get(name, 0) + amount)
            for name in change.remove:
                row.pop(name, None)
            self._replace(key, row)

        return self._part("Update", key, only_if, apply)

    def deleting(self, key: Key, *, only_if: Condition | None = None) -> Write:
        return self._part("Delete", key, only_if, lambda: self._replace(key, {}))

    def _commit(self, writes: tuple[Write, ...]) -> None:
        for write in writes:
            write.request["check"]()
        for write in writes:
            write.request["apply"]()

    def _check(self, key: Key, only_if: Condition | None) -> None:
        row = self.rows.get(key, {})
        if only_if is not None and not holds(only_if, row, self.blind):
            raise ConditionFailed(f"write {self.name} {key}: the condition does not hold")

    def _replace(self, key: Key, row: Row) -> None:
        before = self.rows.get(key, {})
        if not before or not row:
            self._sorted.pop(key[0], None)
        if row:
            self.rows[key] = self._partitions.setdefault(key[0], {})[key] = row
        else:
            self.rows.pop(key, None)
            self._partitions.get(key[0], {}).pop(key, None)
        if "attention" in row:
            self._open[key] = row
        else:
            self._open.pop(key, None)
        if self._lag_s and ("attention" in before or "attention" in row):
            self._before[key] = (self._now(), before)
        for watcher in self.watchers:
            watcher(key, before, row)

    def _seen_in_index(self, partition: str) -> list[tuple[Key, Row]]:
        """Return the rows of a partition of the index as it shows them: a write is seen there a little later."""
        since = self._now() - self._lag_s
        self._before = {key: told for key, told in self._before.items() if told[0] > since}
        seen = {**self._open, **{key: row for key, (_, row) in self._before.items()}}
        return [(key, row) for key, row in seen.items() if row.get("attention") == partition]


def holds(condition: Condition, row: Mapping[str, Any], blind: frozenset[str]) -> bool:
    """Judge *row* as the condition does, taking every part about a *blind* attribute for true."""
    if not blind:
        return condition.holds(row)
    if isinstance(condition, AllOf):
        return all(holds(part, row, blind) for part in condition.parts)
    if isinstance(condition, AnyOf):
        return any(holds(part, row, blind) for part in condition.parts)
    return getattr(condition, "attribute", None) in blind or condition.holds(row)


def plain(value: Any) -> Any:
    """Return *value* as DynamoDB gives it back: one type of number, text for what is a kind of text."""
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None or kind is bytes:
        return value
    if kind is float:
        return _number(value)
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return str(value.value) if hasattr(value, "value") else str(value)
    raise TypeError(f"{value!r} is nothing that a row holds")


def _number(value: float) -> float:
    if value != value or value in {float("inf"), float("-inf")}:
        raise ValueError(f"{value} is not a number that DynamoDB can hold")
    return int(value) if value.is_integer() else value
