"""A door for tests: what a bus that delivers at least once may do to an event, made on request and by seed.

It is shut unless the server was started with `LOCALCLOUD_DELIVERY_FAULTS=<file>`. The file holds one `Plan` as
JSON and is read anew when it changes, so a test opens and shuts the door while the server runs. No file, no faults.

What happens to the nth delivery to a function follows from the seed, the function's name and n alone; which
event that is, the machine decides.
"""

import random
import threading
from collections import Counter
from pathlib import Path

import msgspec


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often each fault happens, as a probability.

    Attributes
    ----------
    lose_from, functions
        Prefixes: only events of these sources are lost, only deliveries to these functions meet any fault.
    duplicate, lose
        Of a delivery: made twice, made never.
    delay, max_delay_s
        Of a delivery: so much later, which also changes the order.
    fail_before, fail_after
        Of a run: it fails before the function has begun, or after it has ended, as when the answer got lost.
    """

    seed: int
    functions: tuple[str, ...] = ("",)
    lose_from: tuple[str, ...] = ("",)
    duplicate: float = 0.0
    lose: float = 0.0
    delay: float = 0.0
    max_delay_s: float = 2.0
    fail_before: float = 0.0
    fail_after: float = 0.0


NO_PLAN = Plan(seed=0)


class Fate(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one delivery: the seconds after which each of its copies arrives; none when it is lost."""

    arrivals_s: tuple[float, ...] = (0.0,)


class RunFate(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one run."""

    fails_before: bool = False
    fails_after: bool = False


class DeliveryFaults:
    """The faults of one server, and how many of each were made."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._plan: Plan = NO_PLAN
        self._stamp: int | None = None
        self._numbers: Counter[str] = Counter()
        self.made: Counter[str] = Counter()

    def of_delivery(self, function: str, source: str) -> Fate:
        """Return the fate of the next delivery of an event of *source* to *function*."""
        plan, draw = self._next("delivery", function)
        if draw is None:
            return Fate()
        fate = fate_of_delivery(plan, draw, source)
        kinds = ("lost", "on time", "twice")
        self._count(kinds[len(fate.arrivals_s)], "delayed" if any(fate.arrivals_s) else "")
        return fate

    def of_run(self, function: str) -> RunFate:
        """Return the fate of the next run of *function*."""
        plan, draw = self._next("run", function)
        if draw is None:
            return RunFate()
        fate = fate_of_run(plan, draw)
        self._count("failed before" if fate.fails_before else "", "failed after" if fate.fails_after else "")
        return fate

    def _next(self, kind: str, function: str) -> tuple[Plan, random.Random | None]:
        with self._lock:
            plan = self._read()
            if plan is NO_PLAN or not function.startswith(plan.functions):
                return plan, None
            self._numbers[f"{kind} {function}"] += 1
            number = self._numbers[f"{kind} {function}"]
        return plan, random.Random(f"{plan.seed} {kind} {function} {number}")  # noqa: S311 - a test's dice

    def _read(self) -> Plan:
        """Return the plan in the file; a test renames it into place, so it is never half there."""
        if self._path is None:
            return NO_PLAN
        try:
            stamp = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            self._stamp = None
            return NO_PLAN
        if stamp != self._stamp:
            self._plan = msgspec.json.decode(self._path.read_bytes(), type=Plan)
            self._stamp = stamp
        return self._plan

    def _count(self, *kinds: str) -> None:
        with self._lock:
            self.made.update(kind for kind in kinds if kind)


def fate_of_delivery(plan: Plan, draw: random.Random, source: str) -> Fate:
    """Draw what becomes of a delivery; every question takes its number, asked or not, so plans compare."""
    lost, twice = draw.random() < plan.lose, draw.random() < plan.duplicate
    delays = [draw.uniform(0, plan.max_delay_s) if draw.random() < plan.delay else 0.0 for _ in range(2)]
    if lost and source.startswith(plan.lose_from):
        return Fate(arrivals_s=())
    return Fate(arrivals_s=tuple(delays if twice else delays[:1]))


def fate_of_run(plan: Plan, draw: random.Random) -> RunFate:
    """Draw what becomes of a run."""
    roll = draw.random()
    before = roll < plan.fail_before
    return RunFate(fails_before=before, fails_after=not before and roll < plan.fail_before + plan.fail_after)
