"""How much longer one call takes than another, and how sure that is."""

import random
import statistics
import time
from collections.abc import Callable

import msgspec

BATCH = 20
# The slowest rounds tell of the machine, not of the calls.
_KEPT = 0.8

Call = Callable[[], object]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """By how many nanoseconds a call took longer, its standard error, and of how many calls of each kind."""

    mean_ns: float
    error_ns: float
    calls: int

    def __str__(self) -> str:
        return f"{self.mean_ns:+.1f} ± {self.error_ns:.1f} ns"


def difference(one: Call, other: Call, *, rounds: int) -> Difference:
    """Return by how much *other* is slower, of interleaved rounds whose order is drawn.

    The rounds are compared in pairs, so that a machine which slows down slows both.
    """
    draw = random.Random(1)
    pairs = []
    for _ in range(rounds):
        if draw.random() < 0.5:
            first, second = _batch_ns(one), _batch_ns(other)
        else:
            second, first = _batch_ns(other), _batch_ns(one)
        pairs.append((first, second))
    kept = sorted(pairs, key=max)[: int(rounds * _KEPT)]
    apart = [(second - first) / BATCH for first, second in kept]
    error = statistics.stdev(apart) / len(apart) ** 0.5
    return Difference(mean_ns=statistics.fmean(apart), error_ns=error, calls=rounds * BATCH)


def _batch_ns(call: Call) -> int:
    began = time.perf_counter_ns()
    for _ in range(BATCH):
        call()
    return time.perf_counter_ns() - began
