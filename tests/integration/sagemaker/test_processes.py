"""What survives a server and what does not (conformance items 27 and 28)."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.sagemaker.harness import BUCKET, Server, channel, new_cloud, untar, wait_for

SAY = "def model_fn(folder): return 7\ndef transform_fn(m, body, c, a): return str(m), 'text/plain'"
SLEEP = "import time\nprint('ready', flush=True)\ntime.sleep(300)"


@pytest.fixture(params=["namespaces", "no-namespaces"])
def own_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    switch = "auto" if request.param == "namespaces" else "off"
    server = Server(tmp_path, LOCALCLOUD_SAGEMAKER_NAMESPACES=switch, LOCALCLOUD_SAGEMAKER_STOP_GRACE_S="0.5")
    yield server
    if server.process.poll() is None:
        server.stop(signal.SIGKILL)


def processes_of(home: Path) -> list[str]:
    """Return the command lines of processes that have to do with the folder.

    Inside a container no path may name it; its environment (HOME, TMPDIR) always does.
    """
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            belongs = str(home) in words or str(home).encode() in (entry / "environ").read_bytes()
            is_zombie = "\nState:\tZ" in (entry / "status").read_text()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if belongs and not is_zombie and int(entry.name) != os.getpid():
            found.append(f"{entry.name} {words}")
    return found


def test_no_process_outlives_a_killed_server(own_server):
    cloud = new_cloud(own_server.url)
    cloud.train("sleeper", SLEEP)
    cloud.deploy("seven", SAY)
    assert cloud.wait_for_endpoint("seven")["EndpointStatus"] == "InService"
    cloud.wait_for_secondary("sleeper", "Training")
    wait_for(lambda: any("train.py" in line for line in processes_of(own_server.home)), 20, "the script runs")
    assert len(processes_of(own_server.home)) > 3
    own_server.stop(signal.SIGKILL)
    wait_for(lambda: not processes_of(own_server.home), 10, "every process is gone")


def test_a_restarted_server_serves_what_was_in_service_and_fails_what_was_training(own_server):
    cloud = new_cloud(own_server.url)
    cloud.deploy("seven", SAY)
    cloud.wait_for_endpoint("seven")
    cloud.train("sleeper", SLEEP)
    cloud.wait_for_secondary("sleeper", "Training")
    cloud.sagemaker.delete_endpoint_config(EndpointConfigName="seven")
    own_server.stop()
    assert processes_of(own_server.home) == []
    own_server.start()
    assert cloud.sagemaker.describe_endpoint(EndpointName="seven")["EndpointStatus"] == "InService"
    assert cloud.runtime.invoke_endpoint(EndpointName="seven", Body=b"x")["Body"].read() == b"7"
    job = cloud.wait_for_job("sleeper", 15)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("InternalServerError: ")


def test_jobs_train_without_namespaces_too(tmp_path):
    server = Server(tmp_path, LOCALCLOUD_SAGEMAKER_NAMESPACES="off")
    try:
        cloud = new_cloud(server.url)
        cloud.put("plain/data/a.csv", "1,2\n")
        script = (
            "import os\n"
            "folder = os.environ['SM_MODEL_DIR']\n"
            "open(folder + '/files.txt', 'w').write(','.join(os.listdir(os.environ['SM_CHANNEL_TRAIN'])))\n"
        )
        cloud.train("plain", script, channels=[channel("train", f"s3://{BUCKET}/plain/data/")])
        job = cloud.wait_for_job("plain")
        stages = [item["Status"] for item in job["SecondaryStatusTransitions"]]
        assert stages == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
        assert untar(cloud.get("plain/out/plain/output/model.tar.gz")) == {"files.txt": "a.csv"}
    finally:
        server.stop()
