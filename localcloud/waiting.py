"""Invocations that wait for their turn: those of one function by the time they are due, functions by turns.

In AWS each function has a queue and a concurrency of its own; of a thousand uploads not one keeps a finished training
job waiting. Here the bound is shared, so the turn goes round.
"""

import heapq
import itertools
from typing import Protocol


class _Addressed(Protocol):
    @property
    def function_arn(self) -> str: ...


class Waiting[T: _Addressed]:
    """What waits, of every function."""

    def __init__(self) -> None:
        self._due: dict[str, list[tuple[float, int, T]]] = {}
        self._numbers = itertools.count()
        self._turns = itertools.count()
        # The turn each function had last; one that is new comes first.
        self._last: dict[str, int] = {}

    def __len__(self) -> int:
        return sum(map(len, self._due.values()))

    def put(self, invocation: T, at: float) -> None:
        """Let *invocation* wait until *at*, in seconds since the epoch."""
        line = self._due.setdefault(invocation.function_arn, [])
        heapq.heappush(line, (at, next(self._numbers), invocation))

    def take(self, now: float) -> T | None:
        """Return the first that is due, of the function whose turn is the longest ago; None when none is."""
        due = [name for name, line in self._due.items() if line[0][0] <= now]
        if not due:
            return None
        name = min(due, key=lambda one: self._last.get(one, -1))
        self._last[name] = next(self._turns)
        _at, _number, invocation = heapq.heappop(self._due[name])
        if not self._due[name]:
            del self._due[name]
        return invocation

    @property
    def next_at(self) -> float | None:
        """When the first of all is due; None when nothing waits."""
        return min((line[0][0] for line in self._due.values()), default=None)

    def in_order(self) -> list[T]:
        """Return all that wait, by the time they are due."""
        return [invocation for *_, invocation in sorted(itertools.chain(*self._due.values()))]
