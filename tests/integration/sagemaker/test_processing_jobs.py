"""Processing jobs as a client of AWS sees them (conformance item 20)."""

import io
import json
import zipfile
from typing import Any

import pytest

from tests.integration.sagemaker.harness import BUCKET, IMAGE, Cloud, wait_for
from tests.integration.sagemaker.processing import (
    LOG_GROUP,
    describe,
    keys_under,
    process,
    s3_input,
    s3_output,
    wait_for_end,
    wait_for_line,
)

ODD_KEY = "ingest/incoming/flights/an ünusual+name (1).csv"
MAIN = """
import json, os, socket, sys
from importlib.metadata import version
from count_lines import count

root = "/opt/ml/processing"
request = json.load(open(root + "/request/request.json"))
raw = [os.path.relpath(os.path.join(d, f), root + "/raw") for d, _, fs in os.walk(root + "/raw") for f in fs]
try:
    socket.create_connection(("127.0.0.1", request["port"]), 2)
    network = "reachable"
except OSError:
    network = "none"
seen = {
    "args": sys.argv[1:], "raw": raw, "lines": count(os.path.join(root, "raw", raw[0])), "network": network,
    "prefix": sys.prefix, "sklearn": version("scikit-learn"), "env": dict(os.environ),
    "job": json.load(open("/opt/ml/config/processingjobconfig.json")),
    "hosts": json.load(open("/opt/ml/config/resourceconfig.json")),
    "outputs_exist": os.path.isdir(root + "/output/dataset"),
}
print("counted", seen["lines"])
os.makedirs(root + "/output/dataset/deep/er")
open(root + "/output/dataset/deep/er/part-0.csv", "w").write("1")
json.dump(seen, open(root + "/output/dataset/seen.json", "w"))
os.symlink("/etc/hostname", root + "/output/dataset/link")
open("/opt/ml/output/message", "w").write("wrote 2 files")
"""


@pytest.fixture(scope="module")
def ingest(cloud: Cloud) -> dict[str, Any]:
    """The job of an ingest service: one exact object, a zip of code, a request; isolated; unmodified boto3."""
    cloud.put(ODD_KEY, "a\nb\nc\n")
    cloud.put(ODD_KEY + ".other", "never")
    manifest = json.dumps([{"prefix": f"s3://{BUCKET}/ingest/incoming/"}, ODD_KEY.partition("incoming/")[2]])
    raw = cloud.put("ingest/jobs/raw.manifest", manifest)
    request = cloud.put("ingest/jobs/request.json", json.dumps({"port": int(cloud.url.rpartition(":")[2])}))
    cloud.put("ingest/jobs/request.json.old", "{}")
    cloud.s3.put_object(Bucket=BUCKET, Key="ingest/code/job.zip", Body=_zip())
    client = cloud.client("sagemaker")
    client.create_processing_job(
        ProcessingJobName="ingest",
        RoleArn="arn:aws:iam::000000000000:role/sagemaker",
        AppSpecification={
            "ImageUri": IMAGE,
            "ContainerEntrypoint": ["python3", "/opt/ml/processing/code/job.zip"],
            "ContainerArguments": ["--mode", "two words"],
        },
        ProcessingInputs=[
            s3_input("raw", raw, "ManifestFile"),
            s3_input("code", f"s3://{BUCKET}/ingest/code/"),
            s3_input("request", request),
        ],
        ProcessingOutputConfig={
            "Outputs": [s3_output("ingest", name="output/dataset", S3Uri=f"s3://{BUCKET}/ingest/out/")]
        },
        ProcessingResources={
            "ClusterConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30}
        },
        NetworkConfig={"EnableNetworkIsolation": True},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
        Environment={"FLAVOUR": "plain"},
        Tags=[{"Key": "team", "Value": "water"}],
    )
    waiter = client.get_waiter("processing_job_completed_or_stopped")
    waiter.wait(ProcessingJobName="ingest", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    job: dict[str, Any] = client.describe_processing_job(ProcessingJobName="ingest")
    return job


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("__main__.py", MAIN)
        archive.writestr("count_lines.py", "def count(path): return len(open(path).readlines())")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def seen(cloud: Cloud, ingest: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cloud.get("ingest/out/seen.json"))
    return found


def test_a_job_completes_and_is_described_with_all_it_was_asked_for(ingest):
    assert ingest["ProcessingJobStatus"] == "Completed"
    assert ingest["ProcessingJobArn"].endswith(":processing-job/ingest")
    assert ingest["ProcessingResources"]["ClusterConfig"]["VolumeSizeInGB"] == 30
    assert ingest["NetworkConfig"] == {"EnableNetworkIsolation": True}
    assert [item["InputName"] for item in ingest["ProcessingInputs"]] == ["raw", "code", "request"]
    assert ingest["CreationTime"] <= ingest["ProcessingStartTime"] <= ingest["ProcessingEndTime"]
    assert "FailureReason" not in ingest


def test_the_exit_message_is_what_the_program_wrote(ingest):
    assert ingest["ExitMessage"] == "wrote 2 files"


def test_a_manifest_brings_exactly_its_object_and_a_whole_key_brings_that_object(seen):
    assert seen["raw"] == ["flights/an ünusual+name (1).csv"]
    assert seen["lines"] == 3


def test_python3_is_the_interpreter_of_the_image(seen):
    assert seen["prefix"].endswith("/sagemaker-scikit-learn-1.9-0")
    assert seen["sklearn"] == "1.9.0"


def test_entrypoint_arguments_and_environment_reach_the_program(seen):
    assert seen["args"] == ["--mode", "two words"]
    assert seen["env"]["FLAVOUR"] == "plain"


def test_an_isolated_program_has_neither_network_nor_credentials(seen):
    assert seen["network"] == "none"
    assert not [name for name in seen["env"] if name.startswith("AWS_") and "REGION" not in name]


def test_the_configuration_files_say_what_the_job_is(seen, ingest):
    assert seen["job"]["ProcessingJobArn"] == ingest["ProcessingJobArn"]
    assert seen["job"]["ProcessingInputs"] == ingest["ProcessingInputs"]
    assert seen["job"]["AppSpecification"]["ImageUri"] == IMAGE
    assert seen["hosts"] == {"current_host": "algo-1", "hosts": ["algo-1"]}


def test_an_outputs_folder_exists_before_and_its_files_are_uploaded_after_but_no_links(cloud, seen):
    assert seen["outputs_exist"]
    assert keys_under(cloud, "ingest/out/") == ["deep/er/part-0.csv", "seen.json"]


def test_the_output_of_the_program_is_in_cloudwatch_logs(cloud, ingest):
    assert "counted 3" in cloud.log_lines(LOG_GROUP, "ingest/algo-1-")


def test_a_job_keeps_its_tags(cloud, ingest):
    tags = cloud.sagemaker.list_tags(ResourceArn=ingest["ProcessingJobArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "water"}]


def test_a_program_that_is_not_isolated_acts_as_the_execution_role(cloud):
    process(cloud, "named", "import boto3; print('who', boto3.client('sts').get_caller_identity()['Arn'])")
    assert wait_for_end(cloud, "named")["ProcessingJobStatus"] == "Completed"
    lines = cloud.log_lines(LOG_GROUP, "named/")
    assert "who arn:aws:sts::000000000000:assumed-role/sagemaker/SageMaker" in lines


FAILS = """
open("/opt/ml/processing/out/part", "w").write("half")
open("/opt/ml/processing/log/part", "w").write("half")
open("/opt/ml/output/message", "w").write("column `price` is missing")
raise SystemExit(3)
"""


def test_a_failing_program_is_an_algorithm_error_and_keeps_only_its_continuous_outputs(cloud):
    process(
        cloud, "failing", FAILS, outputs=[s3_output("failing"), s3_output("failing", "Continuous", "log")]
    )
    job = wait_for_end(cloud, "failing")
    assert (job["ProcessingJobStatus"], job["FailureReason"]) == ("Failed", "AlgorithmError: , exit code: 3")
    assert job["ExitMessage"] == "column `price` is missing"
    assert (keys_under(cloud, "processing/failing/out/"), keys_under(cloud, "processing/failing/log/")) == (
        [],
        ["part"],
    )


def test_an_input_without_any_object_fails_as_client_error_that_names_the_place(cloud):
    process(cloud, "empty", "pass", inputs=[s3_input("data", f"s3://{BUCKET}/nothing/here/")])
    job = wait_for_end(cloud, "empty")
    assert job["ProcessingJobStatus"] == "Failed"
    words = f'ClientError: No S3 objects found under S3 URL "s3://{BUCKET}/nothing/here/"'
    assert job["FailureReason"].startswith(words)
    assert "ProcessingStartTime" not in job


def test_an_exit_message_that_is_not_utf_8_fails_the_job(cloud):
    process(cloud, "latin", "open('/opt/ml/output/message', 'wb').write('größe'.encode('latin-1'))")
    job = wait_for_end(cloud, "latin")
    assert job["FailureReason"].startswith(
        "ClientError: The exit message /opt/ml/output/message is not UTF-8"
    )


def test_an_output_the_role_may_not_write_fails_the_job(cloud):
    grants = [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket", "logs:*"], "Resource": "*"}]
    role = cloud.create_role("processing-reader", grants)
    process(cloud, "unwritable", "open('/opt/ml/processing/out/a', 'w').write('1')", RoleArn=role)
    reason = wait_for_end(cloud, "unwritable")["FailureReason"]
    assert reason.startswith("ClientError: Artifact upload failed:")
    assert "AccessDenied" in reason


def test_an_unknown_image_fails_and_names_those_that_exist(cloud):
    image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
    process(cloud, "image", "pass", application={"ImageUri": image})
    assert "sagemaker-scikit-learn:1.9-0" in wait_for_end(cloud, "image")["FailureReason"]


GROWS = """
import signal, time
signal.signal(signal.SIGTERM, lambda *_: (open("/opt/ml/processing/log/last", "w").write("bye"), exit(0)))
open("/opt/ml/processing/log/first", "w").write("1")
open("/opt/ml/processing/out/lost", "w").write("1")
print("ready", flush=True)
time.sleep(60)
"""


def test_a_continuous_output_is_there_while_the_program_runs_and_a_stopped_job_ends_it_gracefully(cloud):
    outputs = [s3_output("halted-midway"), s3_output("halted-midway", "Continuous", "log")]
    process(cloud, "halted-midway", GROWS, outputs=outputs)
    # A training job of the same name runs and cleans up beside it.
    cloud.train("halted-midway", "pass")
    wait_for(
        lambda: keys_under(cloud, "processing/halted-midway/log/") == ["first"],
        30,
        "the first file is uploaded",
    )
    cloud.wait_for_job("halted-midway")
    assert describe(cloud, "halted-midway")["ProcessingJobStatus"] == "InProgress"
    cloud.sagemaker.stop_processing_job(ProcessingJobName="halted-midway")
    assert describe(cloud, "halted-midway")["ProcessingJobStatus"] in ("Stopping", "Stopped")
    job = wait_for_end(cloud, "halted-midway", 20)
    assert job["ProcessingJobStatus"] == "Stopped"
    assert "FailureReason" not in job
    assert keys_under(cloud, "processing/halted-midway/log/") == ["first", "last"]
    assert keys_under(cloud, "processing/halted-midway/out/") == []


def test_a_job_over_its_time_is_stopped_even_when_the_program_does_not_listen(cloud):
    script = "import time; print('ready', flush=True); time.sleep(60)"
    process(cloud, "late", script, StoppingCondition={"MaxRuntimeInSeconds": 1})
    job = wait_for_end(cloud, "late", 20)
    assert job["ProcessingJobStatus"] == "Stopped"
    assert 1 <= (job["ProcessingEndTime"] - job["ProcessingStartTime"]).total_seconds() < 15


def test_a_line_of_a_running_program_is_in_the_logs_before_it_ends(cloud):
    process(cloud, "chatty", "import time; print('ready', flush=True); time.sleep(60)")
    wait_for_line(cloud, "chatty", "ready")
    assert describe(cloud, "chatty")["ProcessingJobStatus"] == "InProgress"
    cloud.sagemaker.stop_processing_job(ProcessingJobName="chatty")
    wait_for_end(cloud, "chatty", 20)
