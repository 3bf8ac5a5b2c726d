"""Which gate keeps the best model live? The flights months, one after the other, under five of them and two variants of ours.

Each month a candidate is trained on everything so far and judged on the last fifth of the month (or, for the random
gate, on a random fifth). What is then live is scored by its log loss on the whole following month, which nobody has
seen. The jobs run the real recipe and the real gate decides; only SageMaker is left out.

    python -m benchmarks.training.gates [SEEDS]
"""

import json
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import msgspec
import yaml

from benchmarks.measure import clean_environment, report

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "training_service"))

from chalicelib.training.evaluation import Evaluation, decode_evaluation  # noqa: E402
from chalicelib.training.gate import decide  # noqa: E402

from infra.recipes import build_tarball  # noqa: E402
from shared.entities.training import ModelState  # noqa: E402

IMAGE = ROOT / ".venv" / "runtimes" / "sagemaker-scikit-learn-1.9-0" / "bin" / "python"
DATA = ROOT / "examples" / "flights"
MONTHS = 12
SEEDS = 3
WORKERS = 2


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """How one contestant decides; ``split`` says on which fifth of the month a candidate is judged.

    ``promotes`` is given the comparison with the live version, or is the answer itself.
    """

    split: str
    promotes: Callable[[Evaluation, str], bool] | bool


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """How a gate fared: mean log loss of what was live on the following months, and promotions after the first."""

    log_loss: float
    promotions: int


class Jobs:
    """The process that trains and scores."""

    def __init__(self, recipe: Path) -> None:
        command = [str(IMAGE), str(Path(__file__).with_name("flights_jobs.py")), str(recipe), str(DATA)]
        pipe = subprocess.PIPE
        # One thread each, as there are workers: two that wait for each other spin ten times what the work takes.
        env = clean_environment(OMP_NUM_THREADS="1", PYTHONWARNINGS="ignore")
        self._judged: dict[tuple[Path, Path], Evaluation] = {}
        self._process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, env=env
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def ask(self, **asked: Any) -> Any:
        """Return the answer to one line."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the jobs ended at {asked}")
        return json.loads(answer)

    def judge(self, split: str, candidate: Path, live: Path, seed: int) -> Evaluation:
        """Return the comparison of two models, made once for all gates that come to it."""
        if (candidate, live) not in self._judged:
            base = tempfile.mkdtemp(dir=candidate.parent)
            asked = {"base": base, "split": split, "seed": seed}
            answer = self.ask(do="judge", challenger=str(candidate), champion=str(live), **asked)
            bodies = [json.dumps(answer[name]).encode() for name in ("evaluation", "serving")]
            self._judged[candidate, live] = decode_evaluation(*bodies)
        return self._judged[candidate, live]


def ours(evaluation: Evaluation, live: str) -> bool:
    """Promote what our gate approves, with the clauses of the example."""
    clauses = tuple(yaml.safe_load((DATA / "pipeline.yaml").read_text())["gate"])
    return decide(evaluation, clauses, live=live, needs_approval=False).state is ModelState.APPROVED


def by_estimate(evaluation: Evaluation, _live: str) -> bool:
    """Promote what has the lower loss, as most scripts do."""
    return (evaluation.difference("log_loss", "champion").estimate or 0.0) <= 0


def by_estimate_only(evaluation: Evaluation, live: str) -> bool:
    """Promote what our gate approves, and what it refuses only for not *surely* beating the baseline."""
    return _keeps_clauses(evaluation, live) and _beats(evaluation, "baseline", surely=False)


def or_surely_over_live(evaluation: Evaluation, live: str) -> bool:
    """Promote what our gate approves, and what surely beats the live version instead of the baseline."""
    return _keeps_clauses(evaluation, live) and any(
        _beats(evaluation, who, surely=True) for who in ("baseline", "champion")
    )


def _keeps_clauses(evaluation: Evaluation, live: str) -> bool:
    """Whether the example's own clauses hold; the one that the gate adds is the last."""
    clauses = tuple(yaml.safe_load((DATA / "pipeline.yaml").read_text())["gate"])
    verdicts = decide(evaluation, clauses, live=live, needs_approval=False).verdicts
    return all(verdict.outcome == "passed" for verdict in verdicts[: len(clauses)])


def _beats(evaluation: Evaluation, who: str, *, surely: bool) -> bool:
    found = evaluation.difference(evaluation.primary, who)
    is_higher = evaluation.higher_is_better[evaluation.primary]
    end = (found.low if is_higher else found.high) if surely else found.estimate
    return end is not None and (end > 0 if is_higher else end < 0)


GATES = {
    "never": Gate(split="time", promotes=False),
    "always": Gate(split="time", promotes=True),
    "random hold-out": Gate(split="hash", promotes=by_estimate),
    "time-ordered hold-out": Gate(split="time", promotes=by_estimate),
    "ours": Gate(split="time", promotes=ours),
    # What was asked of the clause that every gate ends with: is it too strict?
    "variant: over the baseline by estimate": Gate(split="time", promotes=by_estimate_only),
    "variant: or surely over the live version": Gate(split="time", promotes=or_surely_over_live),
}


def run(jobs: Jobs, folder: Path, gate: Gate, seed: int) -> Course:
    """Go through the months once; every course starts with the first candidate, or nothing would serve."""
    live = _candidate(jobs, folder, gate.split, 0, seed)
    losses, promotions = [], 0
    for month in range(MONTHS - 1):
        candidate = _candidate(jobs, folder, gate.split, month, seed)
        if candidate != live and _promotes(jobs, gate, candidate, live, seed):
            live, promotions = candidate, promotions + 1
        losses.append(jobs.ask(do="score", base=str(live), month=month + 1, seed=seed)["log_loss"])
    return Course(log_loss=statistics.mean(losses), promotions=promotions)


def _candidate(jobs: Jobs, folder: Path, split: str, month: int, seed: int) -> Path:
    """Return where the candidate of a month is, trained once for all gates that judge on the same split."""
    base = folder / f"{split}-{seed}-m{month + 1}"
    if not base.exists():
        jobs.ask(do="train", base=str(base), month=month, split=split, seed=seed)
    return base


def _promotes(jobs: Jobs, gate: Gate, candidate: Path, live: Path, seed: int) -> bool:
    if isinstance(gate.promotes, bool):
        return gate.promotes
    return gate.promotes(jobs.judge(gate.split, candidate, live, seed), live.name)


def fare(recipe: Path, scratch: Path, seed: int) -> dict[str, Course]:
    """Return how each gate fares on one sample of the months."""
    courses = {}
    with Jobs(recipe) as jobs:
        for name, gate in GATES.items():
            courses[name] = run(jobs, scratch, gate, seed)
            print(f"seed {seed}, {name}: {courses[name]}", file=sys.stderr, flush=True)
    return courses


def main(seeds: int = SEEDS) -> None:
    """Print one line per gate, and whether ours is the best of them."""
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(WORKERS) as pool:
        recipe = _unpack(Path(scratch) / "recipe")
        found = list(pool.map(lambda seed: fare(recipe, Path(scratch), seed), range(seeds)))
    means = {name: statistics.mean(each[name].log_loss for each in found) for name in GATES}
    for name, mean in means.items():
        report(
            f"gate: {name}",
            mean,
            "log loss of what is live, next month",
            gate="ours is the best",
            met=name != "ours" or mean <= min(m for other, m in means.items() if "variant" not in other),
            log_loss=round(mean, 4),
            promotions=round(statistics.mean(each[name].promotions for each in found), 1),
            of=MONTHS - 2,
            by_seed=[round(each[name].log_loss, 4) for each in found],
        )


def _unpack(target: Path) -> Path:
    built = build_tarball("tabular", cache=ROOT / ".headrace" / "recipes")
    with tarfile.open(built.path) as archive:
        archive.extractall(target, filter="data")
    return target


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
