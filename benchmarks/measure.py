"""Run commands and read their CPU and wall time."""

import json
import os
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What one command took, in seconds; ``cpu_s`` is user + system of it and its children."""

    cpu_s: float
    wall_s: float


def cost_of(command: Sequence[str], *, cwd: Path, env: dict[str, str] | None = None) -> Cost:
    """Run *command* and return its cost; a failure is an error with the command's last words."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {(done.stdout + done.stderr)[-2000:]}")
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu_s=cpu_s, wall_s=time.monotonic() - began)


def medians(rounds: int, **runs: Callable[[], Cost]) -> dict[str, Cost]:
    """Run each of *runs* once a round, interleaved, and return the medians."""
    costs: dict[str, list[Cost]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            costs[name].append(run())
    return {
        name: Cost(
            cpu_s=statistics.median(c.cpu_s for c in measured),
            wall_s=statistics.median(c.wall_s for c in measured),
        )
        for name, measured in costs.items()
    }


def report(measure: str, value: float, unit: str, *, gate: str, met: bool, **more: object) -> None:
    """Print one figure as a JSON line."""
    line = {"measure": measure, "value": round(value, 3), "unit": unit, "gate": gate, "met": met, **more}
    print(json.dumps(line), flush=True)


def clean_environment(**more: str) -> dict[str, str]:
    """Return the environment without anything of another stage."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "HEADRACE_", "PYTHONDONT"))}
    return kept | more
