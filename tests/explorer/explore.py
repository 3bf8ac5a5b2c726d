"""Every order of everything: breadth first from one state, so that what is found is a shortest way there."""

from collections import deque
from collections.abc import Callable, Hashable, Iterator
from typing import Any

import msgspec

Step = tuple[str, Any]  # what happened, and the state after it


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """How many states there are; the promise that one of them breaks, and the shortest way to it."""

    states: int
    broken: str = ""
    way: tuple[str, ...] = ()

    def __str__(self) -> str:
        steps = "\n".join(f"{place:3}. {step}" for place, step in enumerate(self.way, 1))
        return f"{self.states} states; {self.broken or 'no promise is broken'}\n{steps}"


def explore(
    begin: Hashable,
    steps: Callable[[Any], Iterator[Step]],
    broken: Callable[[Any], str],
    is_at_rest: Callable[[Any], bool],
    broken_by: Callable[[Any, str, Any], str] = lambda *_: "",
    most: int = 3_000_000,
) -> Found:
    """Visit every state that *steps* lead to; from each of them one at rest must be in reach.

    *broken* says which promise a state breaks, *broken_by* which one a step does.
    """
    came: dict[Any, tuple[Any, str] | None] = {begin: None}
    before: dict[Any, list[Any]] = {}
    waiting = deque([begin])
    while waiting:
        state = waiting.popleft()
        if sentence := broken(state):
            return Found(states=len(came), broken=sentence, way=_way(came, state))
        for what, after in steps(state):
            if sentence := broken_by(state, what, after):
                return Found(states=len(came), broken=sentence, way=(*_way(came, state), what))
            if after not in came:
                came[after] = (state, what)
                waiting.append(after)
            before.setdefault(after, []).append(state)
        if len(came) > most:
            raise AssertionError(f"more than {most} states: the machine is not bounded")
    stuck = _stuck(came, before, is_at_rest)
    if stuck is not None:
        return Found(states=len(came), broken="nothing leads from here to rest", way=_way(came, stuck))
    return Found(states=len(came))


def _way(came: dict[Any, tuple[Any, str] | None], state: Any) -> tuple[str, ...]:
    way: list[str] = []
    while (step := came[state]) is not None:
        state, what = step
        way.append(what)
    return tuple(reversed(way))


def _stuck(
    came: dict[Any, Any], before: dict[Any, list[Any]], is_at_rest: Callable[[Any], bool]
) -> Any | None:
    """Return the state nearest to the beginning from which none at rest can be reached."""
    good = {state for state in came if is_at_rest(state)}
    waiting = deque(good)
    while waiting:
        for earlier in before.get(waiting.popleft(), ()):
            if earlier not in good:
                good.add(earlier)
                waiting.append(earlier)
    return next((state for state in came if state not in good), None)
