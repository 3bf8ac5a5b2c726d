"""Simulated time and the processes in it: one runs at a time, and which one only the seed decides.

A process is a greenlet. It runs until it lets time pass (every call of an adapter does), and goes on when no other
process has anything earlier to do. So handlers interleave at every call, and the same seed gives the same run.
"""

import heapq
from collections.abc import Callable

from greenlet import getcurrent, greenlet


class Killed(BaseException):
    """The process ends here: no handler sees it, and a ``finally`` of it calls nobody any more."""


class Process:
    """One run of something, such as one invocation of a function; ``skew_s`` is how wrong its clock is."""

    def __init__(self, name: str, work: Callable[[], None], *, ends_at: float, skew_s: float = 0.0) -> None:
        self.name = name
        self.ends_at = ends_at
        self.skew_s = skew_s
        self.is_dead = False
        self.is_over = False
        self.greenlet = greenlet(self._run)
        self._work = work

    def _run(self) -> None:
        try:
            self._work()
        except Killed:
            self.is_dead = True
        finally:
            self.is_over = True


class Scheduler:
    """Time in seconds since the beginning, and what is due when: an action, or a process that goes on."""

    def __init__(self) -> None:
        self.now = 0.0
        self.current: Process | None = None
        self._due: list[tuple[float, int, Callable[[], None] | Process]] = []
        self._count = 0
        self._until_s = 0.0
        self._hub = getcurrent()

    @property
    def count_due(self) -> int:
        """How much is still to be done, the processes that wait included."""
        return len(self._due)

    def at(self, delay_s: float, what: Callable[[], None] | Process) -> None:
        """Do *what* so many seconds from now; of two at the same time the first told is first."""
        self._count += 1
        heapq.heappush(self._due, (self.now + delay_s, self._count, what))

    def start(self, process: Process) -> None:
        """Begin *process* as soon as who runs now lets time pass."""
        process.greenlet.parent = self._hub
        self.at(0.0, process)

    def sleep(self, seconds: float) -> None:
        """Let time pass in the process that runs, and with it all that is due earlier."""
        due, wake = self._due, self.now + seconds
        if not due or due[0][0] > wake:
            # Nobody else has anything to do until then: the same as to switch there and back.
            self.now = wake
            return
        assert self.current is not None, "only a process can wait"
        self._count += 1
        when, _, following = due[0]
        if type(following) is Process and when <= self._until_s:
            # As the hub would, without the way there and back: most of the time one process follows another.
            heapq.heapreplace(due, (wake, self._count, self.current))
            self.now, self.current = when, following
            following.greenlet.switch()
        else:
            heapq.heappush(due, (wake, self._count, self.current))
            self._hub.switch()

    def run(self, until_s: float) -> None:
        """Do everything that is due before *until_s*."""
        self._until_s = until_s
        while self._due and self._due[0][0] <= until_s:
            self.now, _, what = heapq.heappop(self._due)
            if isinstance(what, Process):
                self.current = what
                what.greenlet.switch()
                self.current = None
            else:
                what()
        self.now = max(self.now, until_s)
