"""P1 to P5, a JSON line each: `python -m benchmarks.ingest [--full] [--rounds N] [--folder FOLDER]`."""

import argparse
import tempfile
from pathlib import Path

from benchmarks.ingest import figures
from benchmarks.ingest.stage import open_stage


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="also the 1 GB file, about three minutes more")
    parser.add_argument("--rounds", type=int, default=3, help="how often each program reads the 212 MB file")
    parser.add_argument(
        "--folder", type=Path, help="keep the files here, and take those that are here already"
    )
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        _measure(folder, chosen.rounds, full=chosen.full)
    figures.report_packages()


def _measure(folder: Path, rounds: int, *, full: bool) -> None:
    with open_stage(folder.resolve()) as stage:
        small = stage.make_file(1, "d1.csv")
        figures.report_cpu(stage, "P4 1 MB, process start to done", small, figures.P4_GATE, 2 * rounds + 1)
        file = stage.make_file(212, "d212.csv")
        runs = figures.report_cpu(stage, "P1 212 MB", file, figures.P1_GATE, rounds)
        figures.report_rejects(stage, file)
        if full:
            figures.report_memory(runs, stage, stage.make_file(1000, "d1000.csv"))
        else:
            figures.report_small_memory(runs)


if __name__ == "__main__":
    main()
