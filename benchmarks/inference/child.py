"""P7 and P8 measured in one process, interleaved: `python -m benchmarks.inference.child p7|p8 [ADDRESS]` prints a JSON line."""

import contextlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.inference import traffic

ROUNDS = 9
Handler = Callable[[dict[str, Any], Any], Any]


def main(figure: str) -> None:
    """Print each handler's median CPU and wall time of one request, in microseconds."""
    handlers = _p7() if figure == "p7" else _p8()
    print(json.dumps(_measure(handlers)), flush=True)


def _p7() -> dict[str, tuple[Handler, dict[str, Any], int]]:
    from benchmarks.inference import ours, peers

    mine, whole = ours.like_the_peers(), ours.whole()
    bare, powertools, fastapi = peers.bare(), peers.powertools(), peers.fastapi()
    told: dict[str, tuple[Handler, dict[str, Any], int]] = {}
    for rows, repeats in ((1, 300), (500, 10)):
        plain = traffic.event(rows, peers.ROUTE)
        told |= {
            f"ours {rows}": (mine, traffic.event(rows), repeats),
            f"ours_whole {rows}": (whole, traffic.event(rows), repeats),
            f"bare {rows}": (bare, plain, repeats),
            f"powertools {rows}": (powertools, plain, repeats),
            f"fastapi {rows}": (fastapi, plain, repeats),
        }
    return told


def _p8() -> dict[str, tuple[Handler, dict[str, Any], int]]:
    from benchmarks.inference import ours, peers

    rows = traffic.event(1)
    return {
        "ours": (ours.asking(), rows, 40),
        "workshop": (peers.workshop(), traffic.event(1, peers.ROUTE), 40),
    }


def _measure(handlers: dict[str, tuple[Handler, dict[str, Any], int]]) -> dict[str, dict[str, float]]:
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in handlers}
    for _ in range(ROUNDS + 1):
        for name, (handler, event, repeats) in handlers.items():
            spent[name].append(_spent(name, handler, event, repeats))
    # The first round makes connections, compiles validators and fills caches.
    return {
        name: {
            "cpu_us": statistics.median(cpu for cpu, _ in rounds[1:]),
            "wall_us": statistics.median(wall for _, wall in rounds[1:]),
        }
        for name, rounds in spent.items()
    }


def _spent(name: str, handler: Handler, event: dict[str, Any], repeats: int) -> tuple[float, float]:
    # Lambda's stdout is a pipe; a device that swallows costs about as little.
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        answer = handler(event, traffic.Context())
        if answer["statusCode"] != 200:
            raise RuntimeError(f"{name}: {answer}")
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(repeats):
            handler(event, traffic.Context())
        return (
            (time.process_time() - cpu) / repeats * 1e6,
            (time.perf_counter() - wall) / repeats * 1e6,
        )


if __name__ == "__main__":
    main(sys.argv[1])
