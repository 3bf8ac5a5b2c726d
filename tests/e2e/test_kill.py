"""Nothing is left: no process of a killed local cloud, no resource of a stage that was used and destroyed."""

import json
import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Pipelines
from tests.e2e.data import RECORD, TICK, deliveries
from tests.stage import Stage, eventually, lend_packages, make_stage


@pytest.fixture(scope="module")
def cloud(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage of its own, because the tests kill and destroy it; what the session's packed is packed alike."""
    deployed = make_stage(tmp_path_factory.mktemp("own"))
    lend_packages(stage, deployed)
    deployed.up()
    try:
        yield deployed
    finally:
        deployed.down()


@pytest.fixture
def own_stage(cloud: Stage) -> Stage:
    """That stage with a live model, whatever the test before left of it: who is killed loses seconds, and trains again."""
    if not is_up(cloud):
        cloud.up()
    Pipelines(cloud).create("killed")
    if cloud.request("GET", "/v1/endpoints/killed")[0] != 200:
        cloud.put_object("killed", "january.csv", deliveries(21))
    # A release that was killed in a step goes on when the lease of that step is over.
    assert eventually(lambda: answers(cloud), within_s=240)
    return cloud


def save(stage: Stage) -> None:
    """Wait until the stage has saved all that was written up to now."""
    mark, saved = uuid.uuid4().hex, stage.root / ".headrace" / "state" / "ssm.json"
    stage.aws("ssm").put_parameter(Name="/saved", Type="String", Value=mark, Overwrite=True)
    assert eventually(lambda: saved.exists() and mark in saved.read_text(encoding="utf-8"))


def is_up(stage: Stage) -> bool:
    """Say whether the stage answers."""
    try:
        return stage.request("GET", "/v1/health")[0] == 200
    except OSError:
        return False


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of the processes that run in *folder* or were started with it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            environment = (process / "environ").read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        if process.name != str(os.getpid()) and str(folder) in command + environment:
            found.append(f"{process.name}: {command}")
    return found


def test_kill_9_leaves_no_process_and_the_next_up_serves_again(own_stage: Stage) -> None:
    running = processes_of(own_stage.root)
    assert any("gunicorn" in command or "serve" in command for command in running), running
    save(own_stage)
    pid = json.loads((own_stage.root / ".headrace" / "cloud.json").read_text(encoding="utf-8"))["pid"]
    os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: processes_of(own_stage.root) == [], within_s=10)
    diagnosed = own_stage.headrace("doctor")
    assert "killed" in diagnosed.stdout + diagnosed.stderr
    own_stage.up()
    assert own_stage.request("GET", "/v1/health")[0] == 200
    assert eventually(lambda: answers(own_stage))


def answers(stage: Stage) -> bool:
    return stage.request("POST", "/v1/predictions/killed", {"records": [RECORD]})[0] == 200


def test_a_stage_destroyed_without_its_data_serves_the_same_model_after_the_next_deployment(
    own_stage: Stage,
) -> None:
    live = own_stage.get("/v1/endpoints/killed")["live"]
    assert own_stage.headrace("destroy").returncode == 1, "nobody typed the name"
    assert answers(own_stage)
    assert own_stage.headrace("destroy", "--yes").returncode == 0
    assert own_stage.aws("sagemaker").list_endpoints()["Endpoints"] == []
    own_stage.up()
    # The schedule would do the same within a minute.
    own_stage.aws("lambda").invoke(FunctionName="headrace-inference-local-reconcile", Payload=TICK)
    assert eventually(lambda: answers(own_stage))
    assert own_stage.get("/v1/endpoints/killed")["live"] == live


def test_a_stage_that_was_used_is_destroyed_without_a_trace(own_stage: Stage) -> None:
    assert answers(own_stage)
    done = own_stage.headrace("destroy", "--data", "--yes", "-o", "json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["kept"], told["left"]) == ("nothing", 0)
    for kind in (
        "rule",
        "function",
        "endpoint",
        "hosted model",
        "training job",
        "model package group",
        "bucket",
    ):
        assert f"\n{kind} " in done.stderr, kind
    sagemaker, lambdas = own_stage.aws("sagemaker"), own_stage.aws("lambda")
    assert sagemaker.list_endpoints()["Endpoints"] == []
    assert sagemaker.list_training_jobs()["TrainingJobSummaries"] == []
    assert lambdas.list_functions()["Functions"] == []
    assert own_stage.aws("s3").list_buckets()["Buckets"] == []
    assert not (own_stage.root / ".headrace" / "local.json").exists()
