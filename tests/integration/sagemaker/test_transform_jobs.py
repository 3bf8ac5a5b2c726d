"""Transform jobs with unmodified boto3: payloads, order, names of outputs, the model's own words, stop, events."""

import gzip
import json

import pytest
from botocore.exceptions import ClientError

from tests.integration.sagemaker.harness import BUCKET, Cloud, wait_for

ECHO = """
import json, os, time, socket
from flask import Response
def model_fn(folder): return int(open(os.path.join(folder, "factor.txt")).read())
def transform_fn(factor, body, content_type, accept):
    if isinstance(body, bytes): body = body.decode()
    lines = body.splitlines()
    if "wrong" in body: return Response("no number: wrong", 400)
    if "slow" in body: time.sleep(30)
    if "env" in body:
        return json.dumps({k: v for k, v in os.environ.items() if k.startswith("SAGEMAKER_BATCH") or k == "MINE"}), accept
    answers = [str(int(line) * factor) for line in lines]
    return "\\n".join([f"{len(lines)} {content_type} {accept}", *answers]), accept
"""

# Proposes how it wants to be asked, fails its first request, and answers each record with how many came with it.
CHOOSY = """
import json
from flask import Response
asked = []
def execution_parameters_fn():
    return Response(json.dumps({"MaxConcurrentTransforms": 2, "BatchStrategy": "SingleRecord", "MaxPayloadInMB": 1}))
def model_fn(folder): return None
def transform_fn(model, body, content_type, accept):
    asked.append(body)
    if len(asked) == 1: raise RuntimeError("this once")
    lines = body.splitlines()
    if "wrong" in body: return Response("no number: wrong", 400)
    return "\\n".join(f"{sum(map(float, line.split(',')))},{len(lines)}" for line in lines), accept
"""


@pytest.fixture(scope="module", autouse=True)
def model(cloud: Cloud) -> None:
    cloud.create_model("echo", ECHO, {"factor.txt": "3"}, EnableNetworkIsolation=True)
    cloud.create_model("choosy", CHOOSY, {}, EnableNetworkIsolation=True)


def start(cloud: Cloud, name: str, files: dict[str, bytes], **changes):
    for key, body in files.items():
        cloud.put(f"{name}/in/{key}", body)
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{name}/in/"}
    request = {
        "TransformJobName": name,
        "ModelName": "echo",
        "TransformInput": {
            "DataSource": {"S3DataSource": source},
            "ContentType": "text/csv",
            "SplitType": "Line",
        }
        | changes.pop("input", {}),
        "TransformOutput": {
            "S3OutputPath": f"s3://{BUCKET}/{name}/out",
            "Accept": "text/csv",
            "AssembleWith": "Line",
        }
        | changes.pop("output", {}),
        "TransformResources": {"InstanceType": f"ml.m6i.{changes.pop('size', 'large')}", "InstanceCount": 1},
    }
    return cloud.sagemaker.create_transform_job(**(request | changes))


def ended(cloud: Cloud, name: str):
    def at_rest():
        job = cloud.sagemaker.describe_transform_job(TransformJobName=name)
        return job if job["TransformJobStatus"] in ("Completed", "Failed", "Stopped") else None

    return wait_for(at_rest, 60, f"transform job {name} ends")


def test_every_object_has_an_output_of_its_name_in_the_order_of_its_lines(cloud):
    answer = start(cloud, "many", {"a.csv": b"1\n2\n3\n", "deep/b.csv": b"4"})
    assert answer["TransformJobArn"].endswith(":transform-job/many")
    job = ended(cloud, "many")
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert job["TransformStartTime"] <= job["TransformEndTime"]
    assert cloud.get("many/out/a.csv.out") == b"3 text/csv text/csv\n3\n6\n9\n"
    assert cloud.get("many/out/deep/b.csv.out") == b"1 text/csv text/csv\n12\n"
    listed = cloud.sagemaker.list_transform_jobs(NameContains="many")["TransformJobSummaries"]
    assert [(one["TransformJobName"], one["TransformJobStatus"]) for one in listed] == [("many", "Completed")]
    cloud.sagemaker.get_waiter("transform_job_completed_or_stopped").wait(TransformJobName="many")


def test_single_records_are_asked_one_by_one_and_keep_their_order(cloud):
    start(
        cloud,
        "single",
        {"a.csv": b"1\n2\n3\n"},
        BatchStrategy="SingleRecord",
        MaxConcurrentTransforms=3,
        size="xlarge",
    )
    assert ended(cloud, "single")["TransformJobStatus"] == "Completed"
    one = b"1 text/csv text/csv\n"
    assert cloud.get("single/out/a.csv.out") == one + b"3\n" + one + b"6\n" + one + b"9\n"


def test_an_object_is_unpacked_and_one_payload_where_it_is_not_split_and_containers_are_told_of_the_batch(
    cloud,
):
    start(
        cloud,
        "whole",
        {"env.txt.gz": gzip.compress(b"env")},
        input={"SplitType": "None", "CompressionType": "Gzip"},
        output={"AssembleWith": "None"},
        Environment={"MINE": "yes"},
        size="2xlarge",
    )
    assert ended(cloud, "whole")["TransformJobStatus"] == "Completed"
    told = json.loads(cloud.get("whole/out/env.txt.gz.out"))
    assert told == {"SAGEMAKER_BATCH": "true", "SAGEMAKER_BATCH_STRATEGY": "MULTI_RECORD", "MINE": "yes"}


def test_payloads_stay_under_the_limit_and_a_record_over_it_fails_the_job(cloud):
    line = b"1" * 999 + b"\n"
    start(cloud, "limit", {"a.csv": b"12\n" * 600_000}, MaxPayloadInMB=1, size="4xlarge")
    start(cloud, "over", {"a.csv": line + b"1" * 2_000_000}, MaxPayloadInMB=1, size="8xlarge")
    assert ended(cloud, "limit")["TransformJobStatus"] == "Completed"
    body = cloud.get("limit/out/a.csv.out").splitlines()
    assert len([row for row in body if row == b"36"]) == 600_000
    assert len([row for row in body if b"text/csv" in row]) == 2
    failed = ended(cloud, "over")
    assert (failed["TransformJobStatus"], "MaxPayloadInMB" in failed["FailureReason"]) == ("Failed", True)


def test_what_the_model_refuses_fails_the_job_with_its_words(cloud):
    start(cloud, "wrong", {"a.csv": b"wrong\n"}, size="12xlarge")
    job = ended(cloud, "wrong")
    assert job["TransformJobStatus"] == "Failed"
    assert (
        job["FailureReason"] == "ClientError: Bad HTTP status received from algorithm: 400: no number: wrong"
    )


def test_records_are_filtered_asked_as_the_container_proposes_again_after_a_failure_and_joined(cloud):
    choice = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-2:]"}
    start(
        cloud,
        "joined",
        {"a.csv": b"x,1,2\ny,3,4\n", "b.csv": b"z,5,wrong\n", "c.csv": b"z,5,6\n"},
        ModelName="choosy",
        DataProcessing=choice,
        size="24xlarge",
    )
    job = ended(cloud, "joined")
    # The object that the model refuses fails the job and has no output; the others have theirs.
    assert (job["TransformJobStatus"], "wrong" in job["FailureReason"]) == ("Failed", True)
    assert cloud.get("joined/out/a.csv.out") == b"x,3.0,1\ny,7.0,1\n"
    assert cloud.get("joined/out/c.csv.out") == b"z,11.0,1\n"
    with pytest.raises(ClientError, match="NoSuchKey"):
        cloud.get("joined/out/b.csv.out")


def test_a_failing_call_is_made_again_no_more_often_than_the_request_allows(cloud):
    start(
        cloud,
        "unlucky",
        {"a.csv": b"1\n"},
        ModelName="choosy",
        ModelClientConfig={"InvocationsMaxRetries": 0},
    )
    assert "500" in ended(cloud, "unlucky")["FailureReason"]


def test_a_job_is_stopped(cloud):
    start(cloud, "stopped", {"a.csv": b"slow\n"}, size="16xlarge")
    cloud.sagemaker.stop_transform_job(TransformJobName="stopped")
    assert ended(cloud, "stopped")["TransformJobStatus"] == "Stopped"
    with pytest.raises(ClientError, match="is in status Stopped"):
        cloud.sagemaker.stop_transform_job(TransformJobName="stopped")


def test_what_is_not_there_or_not_possible_is_refused(cloud):
    with pytest.raises(ClientError, match="Could not find model"):
        start(cloud, "nobody", {"a.csv": b"1"}, ModelName="nobody")
    with pytest.raises(ClientError, match="Could not find requested job"):
        cloud.sagemaker.describe_transform_job(TransformJobName="nobody")
    with pytest.raises(ClientError, match="needs SplitType Line"):
        start(
            cloud,
            "joins",
            {"a.csv": b"1"},
            input={"SplitType": "None"},
            DataProcessing={"JoinSource": "Input"},
        )
    with pytest.raises(ClientError, match="not understood"):
        start(cloud, "paths", {"a.csv": b"1"}, DataProcessing={"InputFilter": "$..a"})
    with pytest.raises(ClientError, match="must not be greater than 100 MB"):
        start(cloud, "much", {"a.csv": b"1"}, MaxPayloadInMB=60, MaxConcurrentTransforms=2)
    start(cloud, "empty", {}, size="24xlarge")
    assert "No S3 objects found" in ended(cloud, "empty")["FailureReason"]
