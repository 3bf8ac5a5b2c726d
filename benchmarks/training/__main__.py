"""P17, the recipe's overhead, a million rows in 8 GiB: `python -m benchmarks.training [--rounds N]`, a JSON line each."""

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import clean_environment, report
from infra.recipes import build_tarball

ROOT = Path(__file__).resolve().parents[2]
IMAGE = ROOT / ".venv/runtimes/sagemaker-scikit-learn-1.9-0/bin/python"
THEIRS = ROOT / ".venv/runtimes/bench/bin/python"
PROGRAM = Path(__file__).with_name("program.py")
ROWS = 100_000
MILLION = 1_000_000
# An ml.m5.large has 8 GiB; as address space, so that what would not fit fails instead of being swapped.
MEMORY_BYTES = 8 * 1024**3
P17_GATE, AUC_GATE, OVERHEAD_GATE = 1.3, 0.002, 0.10
Told = dict[str, Any]


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each program trains")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        code = unpack(folder / "code")
        make(folder / "job", ROWS)
        report_speed([run_round(folder / "job", code) for _ in range(chosen.rounds)])
        make(folder / "million", MILLION)
        report_million(run(IMAGE, "recipe", folder / "million", code, limited=True))


def report_speed(rounds: list[dict[str, Told]]) -> None:
    """Print P17 and the overhead: ratios of medians of interleaved rounds."""
    cpu_s = {
        who: statistics.median(told[who]["fit_cpu_s"] for told in rounds)
        for who in ("recipe", "sklearn", "lightgbm")
    }
    job_s = statistics.median(told["recipe"]["job_cpu_s"] for told in rounds)
    auc = {who: rounds[0][who]["auc"] for who in cpu_s}
    rounded = {who: round(value, 2) for who, value in cpu_s.items()}
    ratio = cpu_s["recipe"] / cpu_s["lightgbm"]
    report(
        "P17 CPU of the default for tables, over LightGBM",
        ratio,
        "x",
        gate=f"<= {P17_GATE}",
        met=ratio <= P17_GATE,
        cpu_s=rounded,
    )
    behind = auc["lightgbm"] - auc["recipe"]
    report("P17 AUC behind LightGBM", behind, "", gate=f"<= {AUC_GATE}", met=behind <= AUC_GATE, auc=auc)
    overhead = cpu_s["recipe"] / cpu_s["sklearn"] - 1
    report(
        "recipe's overhead over scikit-learn by hand, read to saved",
        overhead,
        "",
        gate=f"<= {OVERHEAD_GATE}",
        met=overhead <= OVERHEAD_GATE,
        whole_job_cpu_s=round(job_s, 2),
    )


def report_million(told: Told) -> None:
    """Print what a million rows took; that it ended at all is the figure."""
    report(
        "1M rows x 20 columns in 8 GiB",
        told["memory_mb"],
        "MB",
        gate="<= 8192",
        met=told["memory_mb"] <= 8192,
        job_cpu_s=round(told["job_cpu_s"], 1),
        auc=round(told["auc"], 4),
    )


def run_round(folder: Path, code: Path) -> dict[str, Told]:
    """Run everybody once."""
    return {
        "recipe": run(IMAGE, "recipe", folder, code),
        "sklearn": run(IMAGE, "sklearn", folder, code),
        "lightgbm": run(THEIRS, "lightgbm", folder),
    }


def run(python: Path, who: str, folder: Path, *code: Path, limited: bool = False) -> Told:
    """Run one program on one thread and return what it told."""
    shutil.rmtree(folder / "model", ignore_errors=True)
    done = subprocess.run(
        [python, PROGRAM, who, folder, *code],
        env=clean_environment(OMP_NUM_THREADS="1", PYTHONWARNINGS="ignore"),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit_memory if limited else None,
    )
    if done.returncode:
        raise RuntimeError(f"{who} ended with {done.returncode}: {done.stderr[-2000:]}")
    told: Told = json.loads(done.stdout.splitlines()[-1])
    return told


def limit_memory() -> None:
    """Give this process no more address space than the instance has memory."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def make(folder: Path, rows: int) -> None:
    """Write the job's folder, with the packages of the image."""
    code = f"import sys; from pathlib import Path; from table import write_job; write_job(Path(sys.argv[1]), {rows})"
    subprocess.run([IMAGE, "-c", code, folder], cwd=PROGRAM.parent, check=True)


def unpack(target: Path) -> Path:
    """Return the recipe's code, unpacked from the tarball that a job gets."""
    with tarfile.open(build_tarball("tabular", cache=ROOT / ".headrace" / "recipes").path) as archive:
        archive.extractall(target, filter="data")
    return target


if __name__ == "__main__":
    main()
