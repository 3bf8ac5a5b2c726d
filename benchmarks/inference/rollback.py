"""P20, on a deployed local stage that people keep asking: `python -m benchmarks.inference.rollback [--rounds N]`.

How soon a rollback is acknowledged and how soon every new request obeys it, also in the middle of a canary; and how soon drift
is told after the traffic. The floor of an acknowledgement is a read of the same row by the same function between two
rollbacks, that of the effect the two seconds for which a router may remember the row.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.measure import report
from tests.e2e.conftest import Pipelines
from tests.e2e.data import RECORD, deliveries
from tests.e2e.test_releases import CANARY, Callers, Pipeline
from tests.stage import Stage, eventually, make_stage

ACKNOWLEDGED_S, EFFECTIVE_S, DRIFT_S = 1.0, 3.0, 60.0
ROUTER_KEEPS_S = 2.0
NAME = "deliveries"
DRIFT_ROWS = 400


class Rollback(msgspec.Struct, frozen=True, kw_only=True):
    """One rollback in seconds: a read before it, until its answer, and from there to the last request that did not obey."""

    read_s: float
    acknowledged_s: float
    effective_s: float


def main(arguments: list[str] | None = None) -> None:
    """Bring a stage up, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rollbacks of each kind")
    rounds = parser.parse_args(arguments).rounds
    with tempfile.TemporaryDirectory() as folder:
        stage = make_stage(Path(folder))
        try:
            stage.up()
            pipeline = _two_versions(stage)
            report_rollbacks("", [_go_back(pipeline) for _ in range(rounds)])
            report_rollbacks(", during a canary", [_give_up(pipeline) for _ in range(rounds)])
            report_drift(_drift_s(pipeline))
        finally:
            stage.down()


def _two_versions(stage: Stage) -> Pipeline:
    pipelines = Pipelines(stage)
    pipelines.create(NAME)
    for number in (1, 2):
        stage.put_object(NAME, f"{number}.csv", deliveries(number))
        pipelines.live(NAME, f"v{number}")
    return Pipeline(stage, NAME)


def _go_back(pipeline: Pipeline) -> Rollback:
    """Roll back to the version before: each time the other of the two."""
    row = pipeline.row()
    return _measure(pipeline, old=row["live"], new=row["previous"])


def _give_up(pipeline: Pipeline) -> Rollback:
    """Roll back while the other version answers half of the requests."""
    row = pipeline.row()
    pipeline.define(**(CANARY | {"steps": ["50%"], "bake": "1h", "max_bake": "2h"}))
    status, answer = pipeline.promote(row["previous"])
    if status != 202:
        raise RuntimeError(f"the promotion was refused: {answer}")
    pipeline.until(lambda row: row["phase"] == "CANARY")
    return _measure(pipeline, old=row["previous"], new=row["live"])


def _measure(pipeline: Pipeline, *, old: str, new: str) -> Rollback:
    """Roll back while people ask, from when *old* answers to when nothing but *new* has answered for a while."""
    with Callers(pipeline).asking() as callers:
        eventually(lambda: any(version == old for _, _, version in callers.answers))
        read_s = _seconds(pipeline.row)
        began = time.monotonic()
        status, row = pipeline.operate("rollback", reason="measured")
        acknowledged = time.monotonic()
        if status != 200 or row["live"] != new:
            raise RuntimeError(f"not rolled back: {status} {row}")
        eventually(lambda: callers.answers[-1][0] > acknowledged + 2 * EFFECTIVE_S)
    refused = [answer for answer in callers.answers if answer[1] != 200]
    if refused:
        raise RuntimeError(f"predictions failed: {refused[:3]}")
    late = [asked - acknowledged for asked, _, version in callers.answers if version == old]
    return Rollback(
        read_s=read_s, acknowledged_s=acknowledged - began, effective_s=max(0.0, *late) if late else 0.0
    )


def _seconds(action: Any) -> float:
    began = time.monotonic()
    action()
    return time.monotonic() - began


def _drift_s(pipeline: Pipeline) -> float:
    """Ask for some hundred rows and return how long it took until the verdict rested on all of them."""
    path = f"/v1/endpoints/{NAME}/drift?window=1h"
    before = pipeline.stage.get(path)["rows"]
    status, _, answer = pipeline.stage.request(
        "POST", f"/v1/predictions/{NAME}", {"records": [RECORD] * DRIFT_ROWS}
    )
    if status != 200:
        raise RuntimeError(f"not answered: {answer}")
    began = time.monotonic()
    eventually(lambda: pipeline.stage.get(path)["rows"] >= before + DRIFT_ROWS)
    return time.monotonic() - began


def report_rollbacks(when: str, rounds: list[Rollback]) -> None:
    """Print the acknowledgement beside its floor, and the slowest effect beside its own."""
    median_s = statistics.median(one.acknowledged_s for one in rounds)
    read_s = statistics.median(one.read_s for one in rounds)
    report(
        f"P20 rollback acknowledged{when}",
        median_s,
        "s",
        gate=f"<= {ACKNOWLEDGED_S:g}",
        met=median_s <= ACKNOWLEDGED_S,
        read_of_the_row_s=round(read_s, 3),
        over_the_read=round(median_s / read_s, 2),
        rounds=[round(one.acknowledged_s, 3) for one in rounds],
    )
    slowest_s = max(one.effective_s for one in rounds)
    report(
        f"P20 rollback effective after that{when}",
        slowest_s,
        "s, the slowest",
        gate=f"<= {EFFECTIVE_S:g}",
        met=slowest_s <= EFFECTIVE_S,
        router_keeps_s=ROUTER_KEEPS_S,
        rounds=[round(one.effective_s, 3) for one in rounds],
    )


def report_drift(after_s: float) -> None:
    """Print how soon a verdict on drift rests on what was asked."""
    report(
        f"P20 drift verdict after {DRIFT_ROWS} rows",
        after_s,
        "s",
        gate=f"<= {DRIFT_S:g}",
        met=after_s <= DRIFT_S,
    )


if __name__ == "__main__":
    main()
