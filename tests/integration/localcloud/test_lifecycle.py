"""Starting, stopping, being killed, and coming back."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud import control, doctor
from localcloud.errors import PortTaken, RuntimeMissing, StartFailed
from localcloud.home import Home
from localcloud.processes import start_ticks
from tests.clouds import free_port
from tests.integration.localcloud.cloud import (
    LAMBDA_RUNTIME,
    RUNTIMES,
    Cloud,
    call,
    make_function,
    policy,
    start_cloud,
    wait_for,
)

IMAGE = "sagemaker-scikit-learn:1.9-0-cpu-py3"
PID = "import os\ndef handler(event, context): return os.getpid()"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A folder whose cloud is gone after the test, whatever happened."""
    yield tmp_path / "home"
    control.stop(tmp_path / "home")


def _children_of(cloud: Cloud) -> list[int]:
    """Return all living processes whose command line names the cloud's folder, the server included."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if str(cloud.home).encode() in command and start_ticks(int(process.name)) is not None:
            found.append(int(process.name))
    return found


def test_state_survives_a_graceful_restart(home: Path) -> None:
    first = start_cloud(home)
    name = make_function(first, "def handler(event, context): return 'still here'")
    first.client("s3").create_bucket(Bucket="kept")
    first.client("s3").put_object(Bucket="kept", Key="a/b.txt", Body=b"content")
    assert control.stop(home)
    second = start_cloud(home)
    assert second.client("s3").get_object(Bucket="kept", Key="a/b.txt")["Body"].read() == b"content"
    assert call(second, name) == ("still here", None)


def test_an_unfinished_event_runs_after_a_graceful_restart(home: Path) -> None:
    first = start_cloud(home, options=("--async-retry-base", "3600"))
    source = """
import boto3
def handler(event, context):
    boto3.client("s3").get_object(Bucket="late", Key="ready")
    boto3.client("s3").put_object(Bucket="late", Key="done", Body=b"")
"""
    may = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"], "Resource": "*"}
    name = make_function(first, source, may)
    first.client("s3").create_bucket(Bucket="late")
    first.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")
    logs = first.client("logs")
    wait_for(lambda: logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"])
    first.client("s3").put_object(Bucket="late", Key="ready", Body=b"")
    # The queue waits for the retry in an hour; a stop does not.
    assert control.stop(home)
    assert (home / "state" / "invocations.json").exists()
    second = start_cloud(home)
    done = wait_for(lambda: second.client("s3").list_objects_v2(Bucket="late", Prefix="done").get("Contents"))
    assert done[0]["Key"] == "done"


def test_a_killed_cloud_leaves_no_process_and_no_temporary_files(home: Path) -> None:
    first = start_cloud(home)
    worker, _ = call(first, make_function(first, PID))
    assert worker in _children_of(first)
    os.kill(first.running.pid, signal.SIGKILL)
    wait_for(lambda: not _children_of(first))
    # The kernel takes the children first; the server itself may be a moment longer.
    wait_for(lambda: control.status(home) is None)
    assert list((home / "tmp").iterdir()), "what the killed server left"
    start_cloud(home)
    assert not list((home / "tmp").iterdir())
    assert "was killed" in (home / "logs" / "localcloud.log").read_text()


def _make_model(cloud: Cloud, name: str) -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    role = cloud.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]
    image = f"683313688378.dkr.ecr.us-east-1.amazonaws.com/{IMAGE}"
    cloud.client("sagemaker").create_model(
        ModelName=name,
        PrimaryContainer={"Image": image, "ModelDataUrl": f"s3://{name}/model.tar.gz"},
        ExecutionRoleArn=role["Arn"],
    )


def _wait_until_saved(home: Path, marks: dict[str, str]) -> None:
    def saved() -> bool:
        files = {home / file: mark for file, mark in marks.items()}
        return all(file.exists() and mark in file.read_text() for file, mark in files.items())

    wait_for(saved)


def test_what_a_killed_cloud_had_before_the_last_pause_is_there_again(home: Path) -> None:
    first = start_cloud(home)
    name = make_function(first, "def handler(event, context): return 'still here'")
    first.client("s3").create_bucket(Bucket="kept")
    first.client("s3").put_object(Bucket="kept", Key="a.txt", Body=b"content")
    _make_model(first, "kept")
    _wait_until_saved(
        home, {"state/lambda.json": name, "state/s3.json": "kept", "sagemaker/state.json": "kept"}
    )
    os.kill(first.running.pid, signal.SIGKILL)
    # A moment may pass before the killed process is gone.
    wait_for(lambda: str(first.running.pid) in doctor.predecessor(Home(root=home)).sentence)
    wait_for(lambda: not _children_of(first))
    second = start_cloud(home)
    assert str(first.running.pid) in doctor.predecessor(Home(root=home)).sentence
    assert second.client("s3").get_object(Bucket="kept", Key="a.txt")["Body"].read() == b"content"
    assert second.client("sagemaker").describe_model(ModelName="kept")["ModelName"] == "kept"
    assert call(second, name) == ("still here", None)
    # Only a kill is told, and only until the next graceful stop.
    assert control.stop(home)
    assert "gracefully" in doctor.predecessor(Home(root=home)).sentence


def test_a_worker_outlives_the_call_that_started_it(home: Path) -> None:
    cloud = start_cloud(home)
    name = make_function(cloud, PID)
    assert len({call(cloud, name)[0] for _ in range(3)}) == 1


def test_starting_twice_returns_the_running_one(home: Path) -> None:
    first = start_cloud(home)
    assert start_cloud(home).running == first.running
    assert control.status(home) == first.running


def test_a_graceful_stop_ends_the_workers_too(home: Path) -> None:
    cloud = start_cloud(home)
    call(cloud, make_function(cloud, PID))
    assert control.stop(home)
    assert _children_of(cloud) == []
    assert control.stop(home) is False


def test_reset_removes_what_the_cloud_owns_and_nothing_else(home: Path) -> None:
    start_cloud(home)
    (home / "token").write_text("mine")
    control.reset(home)
    assert [path.name for path in home.iterdir()] == ["token"]
    assert control.status(home) is None


def test_a_port_in_use_is_named_with_its_holder(home: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"port {port} is taken by .* \(process {os.getpid()}\)"):
            start_cloud(home, port)
        findings = {
            finding.name: finding for finding in doctor.diagnose(home, port, LAMBDA_RUNTIME, RUNTIMES)
        }
    assert not findings["port"].ok
    assert findings["ministack"].ok, findings["ministack"].sentence
    assert findings["lambda-runtime"].ok, findings["lambda-runtime"].sentence


def test_a_missing_interpreter_is_one_clear_line(home: Path) -> None:
    with pytest.raises(RuntimeMissing, match="no Lambda interpreter at /nowhere/python"):
        control.start(home=home, port=free_port(), lambda_runtime=Path("/nowhere/python"), images=RUNTIMES)


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    with pytest.raises(StartFailed, match="unrecognized arguments: --nonsense"):
        start_cloud(home, options=("--nonsense",))
