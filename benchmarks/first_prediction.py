"""P18: clean clone → first prediction; warm `up --demo`; `up` again. Medians of three clones.

Uses the port 4590 and folders of its own; a stage that runs elsewhere is not touched. The package cache is warm
from the second clone on at the latest.
"""

import statistics
import subprocess
import tempfile
from pathlib import Path

from benchmarks.measure import Cost, clean_environment, cost_of, report

ROOT = Path(__file__).resolve().parent.parent
PORT = "4590"
ROUNDS = 3
GATES_S = {
    "clean clone to first prediction": 300,
    "warm up --demo": 60,
    "up again, nothing changed": 10,
}


def main() -> None:
    """Measure each round in a clone of its own and print the medians."""
    seconds: dict[str, list[float]] = {name: [] for name in GATES_S}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            clone = Path(folder) / "headrace"
            subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
            try:
                for name, value in measure(clone).items():
                    seconds[name].append(value)
            finally:
                subprocess.run(
                    [clone / ".venv/bin/headrace", "down"], cwd=clone, check=False, capture_output=True
                )
    for name, values in seconds.items():
        median = statistics.median(values)
        rounds = [round(value, 1) for value in values]
        gate = GATES_S[name]
        report(f"P18 {name}", median, "s", gate=f"<= {gate}", met=median <= gate, rounds=rounds)


def measure(clone: Path) -> dict[str, float]:
    """Return the wall seconds of the three figures in one clone."""
    env = clean_environment()
    setup = cost_of(["make", "setup"], cwd=clone, env=env)
    first = up(clone, env, "--demo")
    again = up(clone, env)
    cost_of([str(clone / ".venv/bin/headrace"), "reset", "--yes"], cwd=clone, env=env)
    warm = up(clone, env, "--demo")
    return dict(zip(GATES_S, (setup.wall_s + first.wall_s, warm.wall_s, again.wall_s), strict=True))


def up(clone: Path, env: dict[str, str], *options: str) -> Cost:
    """Bring the clone's stage up."""
    return cost_of([str(clone / ".venv/bin/headrace"), "up", "--port", PORT, *options], cwd=clone, env=env)


if __name__ == "__main__":
    main()
