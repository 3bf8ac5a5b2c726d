"""Training jobs as a client of AWS sees them (conformance items 1 to 8)."""

import json
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from tests.integration.sagemaker.harness import BUCKET, Cloud, channel, untar, wait_for

HAPPY = """
import json, os, sys
print("epoch 1 loss: 0.9")
print("epoch 2 loss: 0.25")
seen = {"args": sys.argv[1:], "env": dict(os.environ)}
seen["files"] = sorted(os.listdir("/opt/ml/input/data/train"))
seen["hosts"] = json.load(open("/opt/ml/input/config/resourceconfig.json"))["hosts"]
open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("the model")
json.dump(seen, open(os.path.join(os.environ["SM_OUTPUT_DATA_DIR"], "seen.json"), "w"))
"""


@pytest.fixture(scope="module")
def happy(cloud: Cloud):
    cloud.put("happy/data/a.csv", "1,2\n")
    cloud.put("happy/data/deep/b.csv", "3,4\n")
    cloud.train(
        "happy",
        HAPPY,
        channels=[channel("train", f"s3://{BUCKET}/happy/data/")],
        hyperparameters={"C": "1", "rate": "0.5"},
        algorithm={"MetricDefinitions": [{"Name": "loss", "Regex": "loss: ([0-9.]+)"}]},
        Environment={"FLAVOUR": "plain"},
        EnableNetworkIsolation=True,
        Tags=[{"Key": "team", "Value": "water"}],
    )
    return cloud.wait_for_job("happy")


@pytest.fixture(scope="module")
def seen(cloud: Cloud, happy):
    return json.loads(untar(cloud.get("happy/out/happy/output/output.tar.gz"))["seen.json"])


def test_a_job_passes_awss_stages_in_order_and_completes(happy):
    stages = [item["Status"] for item in happy["SecondaryStatusTransitions"]]
    assert stages == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert happy["TrainingJobStatus"] == happy["SecondaryStatus"] == "Completed"
    assert all(item["EndTime"] >= item["StartTime"] for item in happy["SecondaryStatusTransitions"])


def test_a_job_reports_the_last_value_of_each_metric(happy):
    (metric,) = happy["FinalMetricDataList"]
    assert (metric["MetricName"], metric["Value"]) == ("loss", 0.25)
    assert abs((metric["Timestamp"] - datetime.now(UTC)).total_seconds()) < 600


def test_a_job_is_billed_at_least_one_second(happy):
    assert happy["BillableTimeInSeconds"] >= 1
    assert happy["TrainingEndTime"] >= happy["TrainingStartTime"] >= happy["CreationTime"]


def test_a_job_uploads_its_model_where_it_says(cloud, happy):
    uri = happy["ModelArtifacts"]["S3ModelArtifacts"]
    assert uri == f"s3://{BUCKET}/happy/out/happy/output/model.tar.gz"
    assert untar(cloud.get("happy/out/happy/output/model.tar.gz")) == {"model.txt": "the model"}


def test_a_one_letter_hyperparameter_gets_a_single_dash(seen):
    assert seen["args"] == ["-C", "1", "--rate", "0.5"]


def test_a_script_sees_its_channels_and_host_as_on_aws(seen):
    assert seen["files"] == ["a.csv", "deep"]
    assert seen["hosts"] == ["algo-1"]
    environment = seen["env"]
    assert environment["SM_CHANNEL_TRAIN"] == "/opt/ml/input/data/train"
    assert environment["SM_MODEL_DIR"] == "/opt/ml/model"
    assert environment["SM_CURRENT_HOST"] == "algo-1"
    assert environment["TRAINING_JOB_NAME"] == "happy"
    assert environment["FLAVOUR"] == "plain"


def test_an_isolated_script_has_no_credentials(seen):
    assert not [name for name in seen["env"] if name.startswith("AWS_") and "REGION" not in name]


def test_the_output_of_a_job_is_in_cloudwatch_logs(cloud, happy):
    assert "epoch 2 loss: 0.25" in cloud.log_lines("/aws/sagemaker/TrainingJobs", "happy/algo-1-")


def test_a_job_keeps_its_tags(cloud, happy):
    tags = cloud.sagemaker.list_tags(ResourceArn=happy["TrainingJobArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "water"}]


def test_an_isolated_script_reaches_no_network_not_even_this_machine(cloud):
    port = cloud.url.rpartition(":")[2]
    cloud.train(
        "isolated",
        f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)",
        EnableNetworkIsolation=True,
    )
    assert cloud.wait_for_job("isolated")["TrainingJobStatus"] == "Failed"


def test_a_script_that_is_not_isolated_acts_as_the_execution_role_and_only_while_it_runs(cloud):
    names = "('ACCESS_KEY_ID', 'SECRET_ACCESS_KEY', 'SESSION_TOKEN')"
    script = (
        "import boto3, os; print('who', boto3.client('sts').get_caller_identity()['Arn'])\n"
        f"open('/opt/ml/model/keys', 'w').write(' '.join(os.environ['AWS_' + name] for name in {names}))"
    )
    cloud.train("named", script)
    assert cloud.wait_for_job("named")["TrainingJobStatus"] == "Completed"
    lines = cloud.log_lines("/aws/sagemaker/TrainingJobs", "named/")
    assert "who arn:aws:sts::000000000000:assumed-role/sagemaker/SageMaker" in lines
    stolen = Cloud(cloud.url, *untar(cloud.get("named/out/named/output/model.tar.gz"))["keys"].split())

    def is_refused() -> bool:
        try:
            stolen.client("sts").get_caller_identity()
        except ClientError as error:
            return bool(error.response["Error"]["Code"] == "InvalidClientTokenId")
        return False

    wait_for(is_refused, 10, "the session has ended with the job")


def test_a_failing_script_ends_as_algorithm_error_with_its_exit_code(cloud):
    cloud.train("failing", "raise SystemExit(3)")
    job = cloud.wait_for_job("failing")
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: ")
    assert "ExitCode 3" in job["FailureReason"]
    # The toolkit itself always ends with 1.
    assert job["FailureReason"].endswith(", exit code: 1")
    assert "ExecuteUserScriptError" in job["FailureReason"]


def test_an_empty_channel_fails_as_client_error_that_names_the_place(cloud):
    cloud.train("empty", "pass", channels=[channel("train", f"s3://{BUCKET}/nothing/here/")])
    reason = cloud.wait_for_job("empty")["FailureReason"]
    assert reason.startswith(f'ClientError: No S3 objects found under S3 URL "s3://{BUCKET}/nothing/here/"')
    assert "s3:ListBucket" in reason


def test_an_unknown_image_fails_and_names_those_that_exist(cloud):
    image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
    cloud.train("image", "pass", algorithm={"TrainingImage": image})
    reason = cloud.wait_for_job("image")["FailureReason"]
    assert reason.startswith("ClientError: ")
    assert "sagemaker-scikit-learn:1.9-0" in reason


def test_a_manifest_channel_holds_exactly_the_listed_objects(cloud):
    for name in ("a.csv", "b.csv", "c/d.csv"):
        cloud.put(f"manifest/data/{name}", name)
    manifest = [{"prefix": f"s3://{BUCKET}/manifest/data/"}, "a.csv", "c/d.csv"]
    uri = cloud.put("manifest/list.json", json.dumps(manifest))
    script = (
        "import os; print([os.path.relpath(os.path.join(d, f), '/opt/ml/input/data/train')"
        " for d, _, fs in sorted(os.walk('/opt/ml/input/data/train')) for f in fs])"
    )
    cloud.train("manifest", script, channels=[channel("train", uri, "ManifestFile")])
    assert cloud.wait_for_job("manifest")["TrainingJobStatus"] == "Completed"
    assert "['a.csv', 'c/d.csv']" in cloud.log_lines("/aws/sagemaker/TrainingJobs", "manifest/")


def test_the_data_is_read_with_the_execution_role_and_its_policy_counts(cloud):
    role = cloud.create_role("sagemaker-blind", [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}])
    cloud.train("blind", "pass", RoleArn=role)
    reason = cloud.wait_for_job("blind")["FailureReason"]
    assert reason.startswith("ClientError: ")
    assert "AccessDenied" in reason


def test_a_role_that_does_not_trust_sagemaker_is_refused_at_once(cloud):
    with pytest.raises(ClientError, match="Could not assume role arn:aws:iam::000000000000:role/nobody"):
        cloud.train("nobody", "pass", RoleArn="arn:aws:iam::000000000000:role/nobody")


STOPPABLE = """
import os, signal, time
signal.signal(signal.SIGTERM, lambda *_: open("/opt/ml/model/terminated", "w").write("yes"))
open("/opt/ml/model/partial.txt", "w").write("so far")
print("ready", flush=True)
time.sleep(60)
"""


def test_a_stopped_job_uploads_what_it_has_and_its_script_sees_no_signal(cloud):
    cloud.train("stopped", STOPPABLE)
    cloud.wait_for_secondary("stopped", "Training")
    _wait_for_line(cloud, "stopped", "ready")
    cloud.sagemaker.stop_training_job(TrainingJobName="stopped")
    job = cloud.wait_for_job("stopped", 20)
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Stopped"
    assert untar(cloud.get("stopped/out/stopped/output/model.tar.gz")) == {"partial.txt": "so far"}


def test_a_job_that_has_ended_cannot_be_stopped(cloud, happy):
    with pytest.raises(ClientError) as error:
        cloud.sagemaker.stop_training_job(TrainingJobName="happy")
    assert error.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": "The request was rejected because the training job is in status Completed.",
    }


def test_a_job_over_its_time_is_stopped_and_says_so(cloud):
    cloud.train("late", STOPPABLE, StoppingCondition={"MaxRuntimeInSeconds": 1})
    job = cloud.wait_for_job("late", 20)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert untar(cloud.get("late/out/late/output/model.tar.gz"))["partial.txt"] == "so far"


def test_checkpoints_of_one_job_are_there_for_the_next(cloud):
    script = """
import os
path = "/opt/ml/checkpoints/count"
count = int(open(path).read()) if os.path.exists(path) else 0
print("found", count)
open(path, "w").write(str(count + 1))
raise SystemExit(1 if count == 0 else 0)
"""
    config = {"S3Uri": f"s3://{BUCKET}/checkpoints/one"}
    cloud.train("checkpoints-first", script, CheckpointConfig=config)
    assert cloud.wait_for_job("checkpoints-first")["TrainingJobStatus"] == "Failed"
    cloud.train("checkpoints-second", script, CheckpointConfig=config)
    assert cloud.wait_for_job("checkpoints-second")["TrainingJobStatus"] == "Completed"
    assert cloud.get("checkpoints/one/count") == b"2"


def test_more_jobs_than_the_quota_are_refused_in_awss_words(cloud):
    resources = {"InstanceType": "ml.c5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1}
    for name in ("quota-1", "quota-2"):
        cloud.train(name, "import time; time.sleep(60)", ResourceConfig=resources)
    with pytest.raises(ClientError) as error:
        cloud.train("quota-3", "pass", ResourceConfig=resources)
    for name in ("quota-1", "quota-2"):
        cloud.sagemaker.stop_training_job(TrainingJobName=name)
        cloud.wait_for_job(name)
    assert error.value.response["Error"]["Code"] == "ResourceLimitExceeded"
    words = "'ml.c5.xlarge for training job usage' is 2 Instances, with current utilization of 2 Instances"
    assert words in error.value.response["Error"]["Message"]
    cloud.train("quota-4", "pass", ResourceConfig=resources)
    assert cloud.wait_for_job("quota-4")["TrainingJobStatus"] == "Completed"


def _wait_for_line(cloud: Cloud, job: str, line: str) -> None:
    def is_there() -> bool:
        try:
            return line in cloud.log_lines("/aws/sagemaker/TrainingJobs", f"{job}/")
        except ClientError:
            return False

    wait_for(is_there, 20, f"{job} prints {line}")
