"""A day of a deployed stage in some minutes: what comes and goes leaves no process, no file and hardly any memory.

A day of a stage in use is taken to be 1,440 minutes, in each of which three reconcilers run and alarms are judged, and each hour an upload with all
that follows: a dataset, a training, a release on an endpoint of its own, predictions; and a pipeline that goes. A round here
is such an hour: sixty ticks of each reconciler come one after the other, metrics and alarms skip the hour, and work takes the time it
takes. Not compressed is what waits by the clock of the machine: ten minutes until an idle function ends, the grace of a release.
"""

import json
import os
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from benchmarks.held import Held, held_by, kind_of, total
from benchmarks.local_stage import server_of, wait_until_quiet
from tests.e2e.conftest import Pipelines
from tests.e2e.data import RECORD, TICK, deliveries
from tests.e2e.test_deleting import endpoints
from tests.e2e.test_releases import Pipeline
from tests.stage import Stage, eventually, make_stage

WARM_ROUNDS = 3
TICKS = 60
PREDICTIONS = 20
SERVICES = ("ingest", "training", "inference")
# Rows, logs and metrics of each new pipeline are kept: measured 2.4.
MOST_SERVER_MB_A_ROUND = 4.0
MOST_FUNCTIONS_MB_A_ROUND = 0.5
_FUNCTION = re.compile(r"ministack-lambda-(\S+?)-[a-z0-9_]{8}/")
_RANDOM = re.compile(r"-[a-z0-9_]{8}(?=/|$)")


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What the stage holds when nothing is under way; workers of one function count once."""

    processes: Counter[str]
    functions: set[str]
    open_files: int
    files: Counter[str]
    whole_mb: float


class Day:
    """A stage, and one hour of use on it again and again."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self._pipelines = stage, Pipelines(stage)
        self._lambda = stage.aws("lambda")
        self._server = server_of(stage)
        self._round = 0
        self.server_mb: list[float] = []
        self.reconcilers_mb: list[float] = []

    def live_an_hour(self) -> None:
        """Let a pipeline come and the one before go, sixty minutes pass, and note what is held."""
        self._round += 1
        name = self._pipelines.create(f"soaked-{self._round}")
        self.stage.put_object(name, "hour.csv", deliveries(self._round))
        self._pipelines.live(name, "v1")
        for _ in range(PREDICTIONS):
            assert self.stage.request("POST", f"/v1/predictions/{name}", {"records": [RECORD]})[0] == 200
        with ThreadPoolExecutor(len(SERVICES)) as pool:
            list(pool.map(self._tick, SERVICES))
        self.stage.skip_time(3600)
        if self._round > 1:
            self._remove(f"soaked-{self._round - 1}")
        self._note()

    def look(self) -> Look:
        """Return what is held once nothing is under way and nothing is left of a burst."""
        wait_until_quiet(self.stage)
        eventually(lambda: max(self._workers().values()) == 1, within_s=240, every_s=2)
        held = held_by(self._server)
        (server,) = [one for one in held if one.pid == self._server]
        return Look(
            processes=Counter(kind_of(one.command) for one in held if not _FUNCTION.search(one.command)),
            functions=set(self._workers()),
            open_files=server.files,
            files=files_under(self.stage.root / ".headrace"),
            whole_mb=total(held).pss_mb,
        )

    def _tick(self, service: str) -> None:
        for _ in range(TICKS):
            answer = self._lambda.invoke(FunctionName=f"headrace-{service}-local-reconcile", Payload=TICK)
            assert "FunctionError" not in answer, json.loads(answer["Payload"].read())

    def _remove(self, name: str) -> None:
        """Delete a pipeline; its data stays by contract, its endpoint goes once no request can be on its way there."""
        status, _, body = self.stage.request("DELETE", f"/v1/pipelines/{name}?force=true")
        assert status == 200, body
        served = Pipeline(self.stage, name)
        served.until(lambda row: row["outcome"] == "DELETED")
        served.age()
        served.until(lambda _: not endpoints(self.stage, served))

    def _note(self) -> None:
        wait_until_quiet(self.stage)
        held = held_by(self._server)
        self.server_mb += [one.pss_mb for one in held if one.pid == self._server]
        self.reconcilers_mb.append(sum(one.pss_mb for one in held if is_reconciler(one)))

    def _workers(self) -> Counter[str]:
        found = (_FUNCTION.search(one.command) for one in held_by(self._server))
        return Counter(match[1] for match in found if match)


def is_reconciler(one: Held) -> bool:
    """Whether it is the worker that ran a service's ticks."""
    match = _FUNCTION.search(one.command)
    return match is not None and match[1].endswith("-reconcile")


def files_under(home: Path) -> Counter[str]:
    """Return how many files there are of each kind: temporary ones, and those of jobs and endpoints."""
    found: Counter[str] = Counter()
    for place in ("tmp", "sagemaker"):
        for folder, _, names in os.walk(home / place):
            for name in names:
                path = str((Path(folder) / name).relative_to(home))
                found[re.sub(r"\d+", "0", _RANDOM.sub("", path))] += 1
    # The unpacked code of functions gains bytecode as modules are first imported.
    return Counter({path: count for path, count in found.items() if not path.startswith("tmp/code/")})


def slope(values: list[float]) -> float:
    """Return by how much a value grows each round."""
    return statistics.linear_regression(range(len(values)), values).slope


@pytest.fixture
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """A stage that nobody else uses."""
    stage = make_stage(tmp_path_factory.mktemp("day"))
    try:
        stage.up()
        yield Day(stage)
    finally:
        stage.down()


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("rounds", [6, 24])
def test_a_day_of_a_stage_in_use_leaves_nothing_behind(
    day: Day, figure: Callable[[str, object], None], rounds: int
) -> None:
    began = time.monotonic()
    for _ in range(WARM_ROUNDS):
        day.live_an_hour()
    before = day.look()
    day.server_mb.clear()
    day.reconcilers_mb.clear()
    for _ in range(rounds):
        day.live_an_hour()
    after = day.look()
    assert after.processes == before.processes
    assert after.functions <= before.functions
    assert not after.files - before.files
    server, reconcilers = slope(day.server_mb), slope(day.reconcilers_mb)
    assert server < MOST_SERVER_MB_A_ROUND, day.server_mb
    assert reconcilers < MOST_FUNCTIONS_MB_A_ROUND, day.reconcilers_mb
    # A connection that its client has closed is closed here when it would have timed out, after 75 s.
    eventually(lambda: day.look().open_files <= before.open_files, within_s=240, every_s=10)
    figure(
        f"{rounds} hours of a deployed stage: more processes, files, and MB an hour of the server and of what runs each minute",
        f"0, 0, {server:.1f}, {reconcilers:.1f} (lived in {(time.monotonic() - began) / 60:.0f} min)",
    )
