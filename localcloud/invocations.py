"""One bounded queue for asynchronous invocations, with AWS's retries.

It knows nothing of MiniStack: what an invocation is, how it runs and where its failure goes are
handed in. A laptop has two cores and 100 uploads start 100 functions: without the bound they
drown it, with the bound all are done.
"""

import itertools
import threading
import time
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec

from localcloud.waiting import Waiting

MAX_AGE_S = 21_600  # Lambda's default MaximumEventAgeInSeconds
# AWS waits up to minutes; here the function is free again as soon as its run ends.
THROTTLE_PAUSE_S = 0.5


class Invocation(msgspec.Struct, frozen=True, kw_only=True):
    """One event on its way to a function.

    Attributes
    ----------
    attempt
        Runs that failed so far.
    accepted_at
        Seconds since the epoch; retries end when the event gets too old.
    """

    function_arn: str
    event: Any
    accepted_at: float
    attempt: int = 0


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How often and how long a function's failed events are tried again (EventInvokeConfig)."""

    max_retries: int = 2
    max_age_s: int = MAX_AGE_S


class Outcome(Enum):
    """What became of one run."""

    DONE = "done"
    FAILED = "failed"
    THROTTLED = "throttled"


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of the function to one invocation."""

    outcome: Outcome
    policy: RetryPolicy = RetryPolicy()
    result: Any = None


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The two things the queue needs done: run an invocation, and take one that failed for good."""

    run: Callable[[Invocation], Run]
    give_up: Callable[[Invocation, Run], None]


def retry_delay_s(attempt: int, base_s: float) -> float:
    """Return the pause before the next run: the base, then twice that (AWS: one minute, then two)."""
    return float(base_s * 2 ** (attempt - 1))


def next_step(invocation: Invocation, run: Run, base_s: float, now: float) -> tuple[Invocation, float] | None:
    """Return what to run again and when, or None when the invocation is over.

    A throttled run costs no attempt, a failed one does; neither goes on beyond the maximum age.
    """
    if run.outcome is Outcome.DONE:
        return None
    if run.outcome is Outcome.THROTTLED:
        again, at = invocation, now + THROTTLE_PAUSE_S
    else:
        if invocation.attempt >= run.policy.max_retries:
            return None
        again = msgspec.structs.replace(invocation, attempt=invocation.attempt + 1)
        at = now + retry_delay_s(again.attempt, base_s)
    return None if at - invocation.accepted_at > run.policy.max_age_s else (again, at)


class InvocationQueue:
    """Runs invocations on a fixed number of threads; when many are due, functions take turns."""

    def __init__(self, target: Target, *, concurrency: int, retry_base_s: float) -> None:
        self._target = target
        self._base_s = retry_base_s
        self._condition = threading.Condition()
        self._waiting = Waiting[Invocation]()
        self._numbers = itertools.count()
        self._running: dict[int, Invocation] = {}
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._work, daemon=True, name=f"localcloud-async-{index}")
            for index in range(concurrency)
        ]

    def start(self) -> None:
        """Begin to run what is and will be queued."""
        for thread in self._threads:
            thread.start()

    def put(self, invocation: Invocation, at: float = 0.0) -> None:
        """Queue an invocation, to run at the given time or at once."""
        with self._condition:
            self._waiting.put(invocation, at)
            self._condition.notify()

    @property
    def depth(self) -> int:
        """Invocations waiting."""
        return len(self._waiting)

    @property
    def running(self) -> int:
        """Invocations in a function now."""
        return len(self._running)

    @property
    def unfinished(self) -> list[Invocation]:
        """What still runs and what waits, in the order it is due."""
        with self._condition:
            return [*self._running.values(), *self._waiting.in_order()]

    def stop(self, timeout_s: float) -> list[Invocation]:
        """Let the work run out for at most the timeout, then start nothing more; return the rest.

        A retry that is due later than that is not waited for. What comes or fails after the stop
        stays in `unfinished`: delivery is at least once, as in AWS.
        """
        deadline = time.monotonic() + timeout_s
        with self._condition:
            while (left := deadline - time.monotonic()) > 0 and self._has_work_within(left):
                self._condition.wait(left)
            self._stopping = True
            self._condition.notify_all()
        return self.unfinished

    def _has_work_within(self, seconds: float) -> bool:
        next_at = self._waiting.next_at
        return bool(self._running) or (next_at is not None and next_at <= time.time() + seconds)

    def _work(self) -> None:
        while (taken := self._take()) is not None:
            number, invocation = taken
            run = self._target.run(invocation)
            step = next_step(invocation, run, self._base_s, time.time())
            if step is not None:
                self.put(*step)
            elif run.outcome is not Outcome.DONE:
                self._target.give_up(invocation, run)
            with self._condition:
                del self._running[number]
                self._condition.notify_all()

    def _take(self) -> tuple[int, Invocation] | None:
        """Wait for the next due invocation; None when the queue stops."""
        with self._condition:
            while not self._stopping:
                now = time.time()
                if (invocation := self._waiting.take(now)) is not None:
                    number = next(self._numbers)
                    self._running[number] = invocation
                    return number, invocation
                next_at = self._waiting.next_at
                self._condition.wait(None if next_at is None else next_at - now)
            return None


def save(invocations: Iterable[Invocation], path: Path) -> int:
    """Write unfinished invocations for the next start; return how many."""
    unfinished = list(invocations)
    if not unfinished:
        path.unlink(missing_ok=True)
        return 0
    # In one step: a server killed while it saves keeps the list of the time before.
    draft = path.with_suffix(".new")
    draft.write_bytes(msgspec.json.encode(unfinished))
    draft.replace(path)
    return len(unfinished)


def load(path: Path) -> list[Invocation]:
    """Take the invocations a predecessor left: the file is gone afterwards, so none runs twice."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=list[Invocation])
    except FileNotFoundError:
        return []
    path.unlink()
    return found
