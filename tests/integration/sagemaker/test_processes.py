"""What survives a server and what does not (conformance items 27 and 28)."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.sagemaker import processing
from tests.integration.sagemaker.harness import BUCKET, Server, channel, new_cloud, untar, wait_for

SAY = "def model_fn(folder): return 7\ndef transform_fn(m, body, c, a): return str(m), 'text/plain'"
SLEEP = "import time\nprint('ready', flush=True)\ntime.sleep(300)"


class Owned:
    """A server of this module's own, with or without namespaces, and its clients."""

    def __init__(self, server: Server) -> None:
        self.server, self.home, self.cloud = server, server.home, new_cloud(server.url)
        self.cloud.deploy("seven", SAY)
        assert self.cloud.wait_for_endpoint("seven")["EndpointStatus"] == "InService"

    def train_forever(self, name: str) -> None:
        self.cloud.train(name, SLEEP)
        self.cloud.wait_for_secondary(name, "Training")
        wait_for(lambda: any("train.py" in line for line in processes_of(self.home)), 20, "the script runs")

    def process_forever(self, name: str) -> None:
        processing.process(self.cloud, name, SLEEP)
        wait_for(lambda: any("run.py" in line for line in processes_of(self.home)), 20, "the program runs")


# One server per kind, started once: the tests of a kind run in the order they stand here, the last kills it.
@pytest.fixture(scope="module", params=["auto", "off"], ids=["namespaces", "no-namespaces"])
def owned(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owned]:
    options = {"LOCALCLOUD_SAGEMAKER_NAMESPACES": request.param, "LOCALCLOUD_SAGEMAKER_STOP_GRACE_S": "0.5"}
    server = Server(tmp_path_factory.mktemp("owned"), **options)
    try:
        yield Owned(server)
    finally:
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


def test_a_job_trains_and_an_endpoint_serves_with_and_without_namespaces(owned):
    owned.cloud.put("plain/data/a.csv", "1,2\n")
    script = (
        "import os, sys\n"
        "print('loss: 0.25', sys.argv[1:])\n"
        "folder = os.environ['SM_MODEL_DIR']\n"
        "open(folder + '/files.txt', 'w').write(','.join(os.listdir(os.environ['SM_CHANNEL_TRAIN'])))\n"
    )
    owned.cloud.train(
        "plain",
        script,
        channels=[channel("train", f"s3://{BUCKET}/plain/data/")],
        hyperparameters={"C": "1"},
        algorithm={"MetricDefinitions": [{"Name": "loss", "Regex": "loss: ([0-9.]+)"}]},
    )
    job = owned.cloud.wait_for_job("plain")
    stages = [item["Status"] for item in job["SecondaryStatusTransitions"]]
    assert stages == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert [(one["MetricName"], one["Value"]) for one in job["FinalMetricDataList"]] == [("loss", 0.25)]
    assert "loss: 0.25 ['-C', '1']" in owned.cloud.log_lines("/aws/sagemaker/TrainingJobs", "plain/")
    assert untar(owned.cloud.get("plain/out/plain/output/model.tar.gz")) == {"files.txt": "a.csv"}
    assert owned.cloud.runtime.invoke_endpoint(EndpointName="seven", Body=b"x")["Body"].read() == b"7"


def test_a_stopped_job_leaves_no_process(owned):
    owned.train_forever("stopped")
    owned.cloud.sagemaker.stop_training_job(TrainingJobName="stopped")
    assert owned.cloud.wait_for_job("stopped", 20)["TrainingJobStatus"] == "Stopped"
    assert [line for line in processes_of(owned.home) if "train.py" in line] == []


def test_a_processing_job_runs_and_uploads_with_and_without_namespaces(owned):
    script = (
        "import json, os, sys\n"
        "root = os.environ.get('SAGEMAKER_BASE_DIR', '/opt/ml')\n"
        "job = json.load(open(root + '/config/processingjobconfig.json'))\n"
        "folder = job['ProcessingOutputConfig']['Outputs'][0]['S3Output']['LocalPath']\n"
        "code = job['ProcessingInputs'][0]['S3Input']['LocalPath']\n"
        "open(folder + '/seen', 'w').write(','.join(os.listdir(code)) + ' ' + sys.prefix)\n"
        "open(root + '/output/message', 'w').write('done')\n"
    )
    processing.process(owned.cloud, "simple", script)
    job = processing.wait_for_end(owned.cloud, "simple")
    assert (job["ProcessingJobStatus"], job["ExitMessage"]) == ("Completed", "done")
    files, _, prefix = owned.cloud.get("processing/simple/out/seen").decode().partition(" ")
    assert (files, prefix.rpartition("/")[2]) == ("run.py", "sagemaker-scikit-learn-1.9-0")


def test_a_stopped_processing_job_leaves_no_process(owned):
    owned.process_forever("halted")
    owned.cloud.sagemaker.stop_processing_job(ProcessingJobName="halted")
    assert processing.wait_for_end(owned.cloud, "halted", 20)["ProcessingJobStatus"] == "Stopped"
    assert [line for line in processes_of(owned.home) if "run.py" in line] == []


def test_a_restarted_server_serves_what_was_in_service_and_fails_the_jobs_that_ran(owned):
    owned.train_forever("interrupted")
    owned.process_forever("interrupted")
    owned.cloud.sagemaker.delete_endpoint_config(EndpointConfigName="seven")
    owned.server.stop()
    assert processes_of(owned.home) == []
    owned.server.start()
    assert owned.cloud.sagemaker.describe_endpoint(EndpointName="seven")["EndpointStatus"] == "InService"
    assert owned.cloud.runtime.invoke_endpoint(EndpointName="seven", Body=b"x")["Body"].read() == b"7"
    job = owned.cloud.wait_for_job("interrupted", 15)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("InternalServerError: ")
    job = processing.wait_for_end(owned.cloud, "interrupted", 15)
    assert job["FailureReason"].startswith("InternalServerError: ")
    assert processing.describe(owned.cloud, "simple")["ExitMessage"] == "done"


def test_no_process_outlives_a_killed_server(owned):
    owned.train_forever("orphan")
    owned.process_forever("orphan")
    assert len(processes_of(owned.home)) > 3
    owned.server.stop(signal.SIGKILL)
    wait_for(lambda: not processes_of(owned.home), 10, "every process is gone")
