"""What a local stage with many pipelines holds: memory, and processor time while nobody asks it anything.

    python -m benchmarks.local_stage [--pipelines N] [--idle SECONDS] [--endpoint serverless|realtime]

Every pipeline has a live model on an endpoint of its own, trained by the recipe for tables: serverless as by default, or on instances
that are there day and night, asked or not. Memory is proportional set size: what the
forks of a warm interpreter share is counted once.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.held import Held, by_kind, held_by, kind_of, total
from benchmarks.measure import report
from tests.e2e.conftest import Pipelines
from tests.e2e.data import RECORD, deliveries
from tests.stage import Stage, eventually, make_stage

MEMORY_GATE_MB = 2000.0
# Of one core; three services look around each minute, and alarms are judged.
IDLE_GATE = 0.05


def main(arguments: list[str] | None = None) -> None:
    """Bring a stage up with so many pipelines, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pipelines", type=int, default=20, help="how many of them serve")
    parser.add_argument("--endpoint", choices=("serverless", "realtime"), default="serverless")
    parser.add_argument("--idle", type=float, default=180, help="seconds in which nobody asks")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        stage = make_stage(Path(folder))
        try:
            stage.up()
            serve(stage, options.pipelines, options.endpoint)
            what = f"local stage with {options.pipelines} {options.endpoint} pipelines"
            report_memory(server_of(stage), f"{what}, memory after the last training")
            report_idle(server_of(stage), options.idle)
            report_memory(
                server_of(stage), f"{what}, memory after {options.idle:.0f} s in which nobody asked"
            )
            report_answers(stage, options.pipelines)
        finally:
            stage.down()


def serve(stage: Stage, count: int, endpoint: str) -> None:
    """Bring so many pipelines to a live model on an endpoint of that kind."""
    pipelines = Pipelines(stage)
    for number in range(count):
        name = pipelines.create(f"held-{number}", release={"endpoint": endpoint})
        stage.put_object(name, "january.csv", deliveries(number))
    for number in range(count):
        pipelines.live(f"held-{number}", "v1")
    assert ask(stage, "held-0")[0] == 200
    wait_until_quiet(stage)


def server_of(stage: Stage) -> int:
    """Return the process of the local cloud."""
    record = json.loads((stage.root / ".headrace" / "cloud.json").read_text(encoding="utf-8"))
    return int(record["pid"])


def wait_until_quiet(stage: Stage) -> None:
    """Wait until no function runs or waits to be run."""

    def is_quiet() -> bool:
        health = stage.get("/_localcloud/health")
        return not (health["async_queue_depth"] or health["async_running"] or health["running_lambdas"])

    eventually(is_quiet, within_s=120)


def ask(stage: Stage, name: str) -> tuple[int, float]:
    """Return the status of one prediction, and how long it took."""
    began = time.monotonic()
    status, _, _ = stage.request("POST", f"/v1/predictions/{name}", {"records": [RECORD]})
    return status, time.monotonic() - began


def report_memory(pid: int, what: str) -> None:
    """Print what the family holds, and what of it each kind of process does."""
    held = held_by(pid)
    whole = total(held)
    report(
        what,
        whole.pss_mb,
        "MB",
        gate=f"< {MEMORY_GATE_MB:.0f}",
        met=whole.pss_mb < MEMORY_GATE_MB,
        processes=len(held),
        open_files=whole.files,
        by_kind_mb=memory_by_kind(held),
    )


def memory_by_kind(held: list[Held]) -> dict[str, int]:
    """Return the megabytes of each kind of process."""
    return {
        kind: round(sum(one.pss_mb for one in held if kind_of(one.command) == kind)) for kind in by_kind(held)
    }


def report_idle(pid: int, seconds: float) -> None:
    """Print the share of a core that a stage takes that nobody uses."""
    before, began = {one.pid: one for one in held_by(pid)}, time.monotonic()
    time.sleep(seconds)
    spent: dict[str, float] = {}
    for one in held_by(pid):
        earlier = before[one.pid].cpu_s if one.pid in before else 0.0
        kind = kind_of(one.command)
        spent[kind] = spent.get(kind, 0.0) + one.cpu_s - earlier
    wall = time.monotonic() - began
    share = sum(spent.values()) / wall
    report(
        "local stage that nobody asks, processor time",
        share,
        "of one core",
        gate=f"< {IDLE_GATE}",
        met=share < IDLE_GATE,
        seconds=round(wall),
        by_kind={kind: round(cpu_s / wall, 4) for kind, cpu_s in spent.items()},
    )


def report_answers(stage: Stage, count: int) -> None:
    """Print how fast each pipeline answers after the pause."""
    answers = [ask(stage, f"held-{number}") for number in range(count)]
    median_ms = statistics.median(seconds for _, seconds in answers) * 1000
    good = sum(status == 200 for status, _ in answers)
    report("first answer of each pipeline", median_ms, "ms", gate="all answer", met=good == count, good=good)


if __name__ == "__main__":
    main()
