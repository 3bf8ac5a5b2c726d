"""How long a broken line is waited for."""

from collections.abc import Callable

from headrace.failures import Unreachable

# Half a minute in all: a router restarts, a laptop changes its network. Who is away for longer runs the command again.
DELAYS_S = (1.0, 2.0, 4.0, 8.0, 16.0)
_SLICE_S = 0.25


def persist[T](action: Callable[[], T], sleep: Callable[[float], None]) -> T:
    """Do what may be done twice; a broken line is waited for.

    Raises
    ------
    Unreachable
        Nobody answered over all tries.
    """
    for delay_s in DELAYS_S:
        try:
            return action()
        except Unreachable:
            sleep(delay_s)
    return action()


def pause(delay_s: float, sleep: Callable[[float], None], check: Callable[[], None]) -> None:
    """Sleep in slices; *check* runs before each, and raises when there is nothing to wait for any more."""
    for _ in range(round(delay_s / _SLICE_S)):
        check()
        sleep(_SLICE_S)
