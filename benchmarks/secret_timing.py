"""What the time of a refusal tells of the origin secret: a guess that is right but for its end, against one wrong at once.

The floor is the same guess measured twice. Batches of guesses, interleaved; the median batch, so that what else the
machine does falls out.
"""

import statistics
import time
from types import SimpleNamespace

from benchmarks.measure import report
from shared.http.middleware import ORIGIN_HEADER, _is_from_the_edge

SECRET = "s" * 64
GUESSES = {"at once": "x" + "s" * 63, "again": "x" + "s" * 63, "at the end": "s" * 63 + "x"}
ROUNDS, BATCH = 600, 400


def main() -> None:
    """Print the ratio."""
    taken = median_ns()
    ratio = taken["at the end"] / taken["at once"]
    report(
        "refusal of a nearly right secret / of a wrong one",
        ratio,
        "x",
        gate="<= 1.02",
        met=ratio <= 1.02,
        same_guess_twice=round(taken["again"] / taken["at once"], 4),
        check_ns=round(taken["at once"]),
    )


def median_ns() -> dict[str, float]:
    """Return the nanoseconds of one check, by what is wrong with the guess."""
    events = {name: SimpleNamespace(headers={ORIGIN_HEADER: guess}) for name, guess in GUESSES.items()}
    taken: dict[str, list[float]] = {name: [] for name in events}
    for _ in range(ROUNDS):
        for name, event in events.items():
            began = time.perf_counter_ns()
            for _ in range(BATCH):
                _is_from_the_edge(event, (SECRET,))
            taken[name].append((time.perf_counter_ns() - began) / BATCH)
    return {name: statistics.median(values) for name, values in taken.items()}


if __name__ == "__main__":
    main()
