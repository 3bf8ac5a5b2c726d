"""P18: clean clone → first prediction; warm `up --demo`; `up` again.

Uses the port 4590 and folders of its own; a stage that runs elsewhere is not touched.
"""

import subprocess
import tempfile
from pathlib import Path

from benchmarks.measure import Cost, clean_environment, cost_of, report

ROOT = Path(__file__).resolve().parent.parent
PORT = "4590"


def main() -> None:
    """Clone, bring up with the demo, again, and again from a reset state."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "headrace"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        try:
            measure(clone)
        finally:
            subprocess.run(
                [clone / ".venv/bin/headrace", "down"], cwd=clone, check=False, capture_output=True
            )


def measure(clone: Path) -> None:
    """Print the three figures of the clone."""
    env = clean_environment()
    setup = cost_of(["make", "setup"], cwd=clone, env=env)
    first = up(clone, env, "--demo")
    total = setup.wall_s + first.wall_s
    report(
        "P18 clean clone to first prediction",
        total,
        "s",
        gate="<= 300",
        met=total <= 300,
        setup_s=setup.wall_s,
    )
    again = up(clone, env)
    report("P18 up again, nothing changed", again.wall_s, "s", gate="<= 10", met=again.wall_s <= 10)
    cost_of([str(clone / ".venv/bin/headrace"), "reset", "--yes"], cwd=clone, env=env)
    warm = up(clone, env, "--demo")
    report("P18 warm up --demo", warm.wall_s, "s", gate="<= 60", met=warm.wall_s <= 60, cpu_s=warm.cpu_s)


def up(clone: Path, env: dict[str, str], *options: str) -> Cost:
    """Bring the clone's stage up."""
    return cost_of([str(clone / ".venv/bin/headrace"), "up", "--port", PORT, *options], cwd=clone, env=env)


if __name__ == "__main__":
    main()
