"""P19: `headrace --help` against importing click, CPU, interleaved medians."""

import sys
from pathlib import Path

from benchmarks.measure import clean_environment, cost_of, medians, report

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Print the ratio."""
    env = clean_environment()
    costs = medians(
        15,
        floor=lambda: cost_of([sys.executable, "-c", "pass"], cwd=ROOT, env=env),
        click=lambda: cost_of([sys.executable, "-c", "import click"], cwd=ROOT, env=env),
        help=lambda: cost_of([str(ROOT / ".venv/bin/headrace"), "--help"], cwd=ROOT, env=env),
    )
    ratio = costs["help"].cpu_s / costs["click"].cpu_s
    report(
        "P19 headrace --help / import click",
        ratio,
        "x CPU",
        gate="<= 4",
        met=ratio <= 4,
        help_ms=round(costs["help"].cpu_s * 1000, 1),
        click_ms=round(costs["click"].cpu_s * 1000, 1),
        python_ms=round(costs["floor"].cpu_s * 1000, 1),
    )


if __name__ == "__main__":
    main()
