"""Versions released, rolled back, lost and put to sleep on the deployed stage while people keep asking."""

import contextlib
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.data import DEFINITION, RECORD, TICK
from tests.stage import Stage, eventually

CANARY = {
    "strategy": "canary",
    "steps": ["20%", "50%"],
    "bake": "1s",
    "min_requests": 20,
    # A busy machine is no slow model.
    "rollback_on": ["error_rate > 1%"],
    "on_silence": "wait",
    "endpoint": "realtime",
}
LONG_AGO = "2020-01-01T00:00:00Z"
# Each caller keeps a Lambda worker of the local cloud busy, and each worker is a process.
CALLERS, PROMOTERS = 3, 5


class Pipeline:
    """One pipeline with two versions, seen as its operator does."""

    def __init__(self, stage: Stage, name: str) -> None:
        self.stage, self.name = stage, name

    def define(self, **release: Any) -> None:
        """Change how it releases."""
        self.stage.put_pipeline(self.name, **(DEFINITION | {"release": release}))

    def operate(self, action: str, **body: Any) -> tuple[int, Any]:
        """Promote, roll back or stop."""
        status, _, answer = self.stage.request("POST", f"/v1/endpoints/{self.name}/{action}", body)
        return status, answer

    def promote(self, version: str) -> tuple[int, Any]:
        """Want a version live that was compared with another."""
        return self.operate("promote", version=version, force=True, reason="try it")

    def row(self) -> Any:
        """Return the release."""
        return self.stage.get(f"/v1/endpoints/{self.name}")

    def ask(self) -> tuple[int, str]:
        """Return status and version of one prediction."""
        status, _, answer = self.stage.request("POST", f"/v1/predictions/{self.name}", {"records": [RECORD]})
        return status, answer.get("model_version", "")

    def until(self, holds: Callable[[Any], bool]) -> Any:
        """Tick until the release is so; the minute between two ticks is nothing to wait for."""

        def probe() -> Any:
            done = self.stage.aws("lambda").invoke(
                FunctionName="headrace-inference-local-reconcile", Payload=TICK
            )
            assert "FunctionError" not in done, done["Payload"].read()
            row = self.row()
            return row if holds(row) else None

        return eventually(probe, within_s=180)

    def live(self, version: str) -> Any:
        """Wait until a version is live and nothing rolls out."""
        return self.until(lambda row: row["live"] == version and row["candidate"] is None)

    def given(self, version: str) -> None:
        """Have a version live and no other rolling out, whatever came before."""
        self.define(endpoint="realtime")
        if self.row()["candidate"] is not None:
            self.operate("stop", reason="something else is tried")
        if self.until(lambda row: row["candidate"] is None)["live"] != version:
            assert self.promote(version)[0] == 202
        self.live(version)

    def history(self) -> list[Any]:
        """Return what happened, newest first."""
        entries: list[Any] = self.stage.get(f"/v1/endpoints/{self.name}/history")["entries"]
        return entries

    def endpoint(self, version: str) -> str:
        """Return the name at SageMaker."""
        return f"headrace-local-{self.name}-{version}"

    def age(self) -> None:
        """Let everything about the release have happened long ago."""
        for entry, attribute in (("used", "at"), ("current", "updated_at")):
            self.stage.aws("dynamodb").update_item(
                TableName="headrace-local-releases",
                Key={"pipeline": {"S": self.name}, "entry": {"S": entry}},
                UpdateExpression="SET #a = :t",
                ExpressionAttributeNames={"#a": attribute},
                ExpressionAttributeValues={":t": {"S": LONG_AGO}},
            )


class Callers:
    """People who keep asking; ``answers`` holds when each began, the status and the version."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.answers: list[tuple[float, int, str]] = []
        self._is_over = threading.Event()

    def ask(self) -> None:
        """Ask until it is over."""
        while not self._is_over.is_set():
            began = time.monotonic()
            self.answers.append((began, *self.pipeline.ask()))

    def after(self, count: int) -> None:
        """Wait for so many more answers."""
        wanted = len(self.answers) + count
        eventually(lambda: len(self.answers) >= wanted)

    def spent_s(self) -> float:
        """Return the time from the first question to the last one that was answered."""
        return self.answers[-1][0] - self.answers[0][0]

    @contextlib.contextmanager
    def asking(self) -> Iterator["Callers"]:
        """Keep asking inside the block."""
        with ThreadPoolExecutor(CALLERS) as pool:
            asking = [pool.submit(self.ask) for _ in range(CALLERS)]
            try:
                yield self
            finally:
                self._is_over.set()
        for one in asking:
            one.result()


@pytest.fixture(scope="module")
def pipeline(stage: Stage, released: Callable[[], str]) -> Iterator[Pipeline]:
    """v2 is live, v1 was, both have endpoints."""
    made = Pipeline(stage, released())
    yield made
    made.define(endpoint="realtime")


def break_container(stage: Stage, name: str, variant: str = "primary") -> None:
    """Let the model server of an endpoint, or with the variant ``transform`` of a job, crash, now and at every restart."""
    (folder,) = stage.root.glob(f".headrace/**/endpoints/{name}-{variant}-*")
    shutil.rmtree(folder / "ml" / "model")
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cwd").resolve().is_relative_to(folder.resolve()):
                os.kill(int(process.name), signal.SIGKILL)


def test_releases_and_rollbacks_under_load_fail_no_prediction(pipeline: Pipeline, stage: Stage) -> None:
    release_under_load(pipeline, stage)


def release_under_load(pipeline: Pipeline, stage: Stage, *, least_s: float = 0) -> Callers:
    """Promote, let a canary fail and roll back while people ask, for *least_s* and a thousand times at least."""
    pipeline.given("v2")
    pipeline.define(**CANARY)
    with ThreadPoolExecutor(PROMOTERS) as pool:
        statuses = [status for status, _ in pool.map(lambda _: pipeline.promote("v1"), range(20))]
    assert sorted(statuses) == [202] + 19 * [409]
    with Callers(pipeline).asking() as callers:
        pipeline.live("v1")

        # A canary whose server crashes is rolled back; what it could not answer, live answered.
        assert pipeline.promote("v2")[0] == 202
        break_container(stage, pipeline.endpoint("v2"))
        row = pipeline.until(lambda row: row["candidate"] is None)
        assert (row["live"], row["outcome"]) == ("v1", "ROLLED_BACK")
        assert "error_rate > 1%" in row["reason"]

        # Its endpoint deleted by hand is made again, and this time it serves.
        stage.aws("sagemaker").delete_endpoint(EndpointName=pipeline.endpoint("v2"))
        assert pipeline.promote("v2")[0] == 202
        pipeline.live("v2")

        # A rollback in the middle of another release: what is live stays, and then the one before is back.
        assert pipeline.promote("v1")[0] == 202
        assert pipeline.operate("rollback", reason="not this one")[1]["live"] == "v2"
        status, row = pipeline.operate("rollback", reason="nor that")
        acknowledged = time.monotonic()
        assert (status, row["live"]) == (200, "v1")
        callers.after(100)
        eventually(lambda: callers.answers[-1][0] > acknowledged + 3.5)
        eventually(lambda: len(callers.answers) >= 1000 and callers.spent_s() >= least_s, within_s=300)
    late = {version for asked, _, version in callers.answers if asked > acknowledged + 3}
    assert late == {"v1"}
    assert {status for _, status, _ in callers.answers} == {200}
    told = [entry["outcome"] for entry in pipeline.history()][::-1]
    assert (
        told[-11:]
        == [
            *("STARTED", "CANARY", "CANARY", "LIVE"),
            *("STARTED", "CANARY", "ROLLED_BACK"),
            *("STARTED", "CANARY", "CANARY", "LIVE"),
            *("STARTED", "CANARY", "ROLLED_BACK", "ROLLED_BACK"),
        ][-11:]
    )
    return callers


def test_a_shadow_is_asked_with_copies_and_goes_live_on_what_it_would_have_answered(
    pipeline: Pipeline,
) -> None:
    pipeline.given("v1")
    pipeline.define(**(CANARY | {"strategy": "shadow", "min_requests": 10}))
    assert pipeline.promote("v2")[0] == 202
    assert pipeline.row()["phase"] == "SHADOW"
    with Callers(pipeline).asking() as callers:
        callers.after(30)
        before = len(callers.answers)
        pipeline.live("v2")
    assert {version for _, _, version in callers.answers[:before]} == {"v1"}
    assert {status for _, status, _ in callers.answers} == {200}
    newest = pipeline.history()[0]
    assert (newest["outcome"], "requests" in newest["why"]) == ("LIVE", True)


def test_a_live_endpoint_deleted_by_hand_is_made_again(pipeline: Pipeline, stage: Stage) -> None:
    pipeline.given("v2")
    stage.aws("sagemaker").delete_endpoint(EndpointName=pipeline.endpoint("v2"))
    assert pipeline.ask()[0] == 503
    pipeline.until(lambda _: pipeline.history()[0]["outcome"] == "RECREATED")
    assert eventually(lambda: pipeline.ask() == (200, "v2"))


def test_an_endpoint_that_nobody_asks_for_sleeps_and_comes_back_when_somebody_does(
    pipeline: Pipeline, stage: Stage
) -> None:
    pipeline.given("v2")
    pipeline.define(endpoint={"kind": "realtime", "idle_delete": "30m"})
    pipeline.age()
    pipeline.until(lambda row: row["asleep_at"] is not None)
    pipeline.age()
    pipeline.until(
        lambda _: not stage.aws("sagemaker").list_endpoints(NameContains=pipeline.endpoint("v2"))["Endpoints"]
    )
    # Until the row of two seconds ago is forgotten, a router still believes that it is awake.
    status, headers, body = eventually(lambda: _refused(stage, pipeline))
    assert (status, headers["Content-Type"]) == (503, "application/problem+json")
    assert int(headers["Retry-After"]) > 1
    assert "is being started again" in body["detail"]
    assert eventually(lambda: pipeline.ask() == (200, "v2"))
    assert [entry["outcome"] for entry in pipeline.history()][:3] == ["RECREATED", "AWAKE", "ASLEEP"]


def _refused(stage: Stage, pipeline: Pipeline) -> Any:
    answer = stage.request("POST", f"/v1/predictions/{pipeline.name}", {"records": [RECORD]})
    return answer if answer[0] == 503 else None
