"""The adapters of the training service keep their promises against AWS's own API shapes."""

import hashlib
import io
import time
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from chalicelib.training.job_rows import JobRows
from chalicelib.training.logs import GROUP, LogLines, TrainingLogs
from chalicelib.training.model_files import ModelFiles
from chalicelib.training.model_rows import ModelRows
from chalicelib.training.sagemaker import SageMakerJobs

from shared.entities.training import JobState
from shared.errors import (
    Broken,
    ConditionFailed,
    Conflict,
    InvalidRequest,
    NotFound,
    QuotaExceeded,
    Unavailable,
)
from shared.objects import Bucket
from shared.signing import SigningKey
from shared.tables import Table
from tests import clouds
from tests.fakes import FakeClock
from tests.unit.training.world import World

NAME = "headrace-test-0123456789abcdef0123-a1"


def make_table(name: str, *keys: str, index: tuple[str, str, str] | None = None) -> Table:
    client = boto3.client("dynamodb")
    attributes = dict.fromkeys([*keys, "attention", "updated_at", *(index[1:] if index else ())], "S")
    indexes = [("attention", "attention", "updated_at"), *([index] if index else [])]
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": t} for n, t in attributes.items()],
        KeySchema=_schema(keys),
        GlobalSecondaryIndexes=[
            {"IndexName": n, "KeySchema": _schema(columns), "Projection": {"ProjectionType": "ALL"}}
            for n, *columns in indexes
        ],
    )
    return Table(clouds.dynamodb(), name, *keys)


def _schema(keys: Any) -> list[dict[str, str]]:
    return [{"AttributeName": n, "KeyType": kind} for n, kind in zip(keys, ("HASH", "RANGE"), strict=False)]


@pytest.fixture
def rows() -> JobRows:
    table = make_table("jobs", "job_id", index=("by-pipeline", "pipeline", "created_at"))
    return JobRows(table, FakeClock())


def planned_job() -> Any:
    world = World(quota=0)
    world.ready(world.dataset(1))
    return world.only_job()


def test_a_job_goes_through_its_states_in_dynamodb(rows: JobRows) -> None:
    rows.create(planned_job())
    job = rows.get(planned_job().job_id)
    assert [open_job.job_id for open_job in rows.open()] == [job.job_id]
    assert rows.is_trained("flights", "d1")
    with pytest.raises(ConditionFailed):
        rows.create(job)

    claimed = rows.submitting(job, rows.slots())
    assert claimed.state is JobState.SUBMITTING
    assert rows.slots().jobs == (job.job_id,)
    with pytest.raises(ConditionFailed):
        rows.submitting(claimed, rows.slots())
    running = rows.running(claimed)
    assert running.waiting_reason is None
    finalising = rows.finalising(running, 1)
    with pytest.raises(ConditionFailed):
        rows.finalising(running, 2)
    rows.table.transact(rows.succeeding(finalising))
    done = rows.get(job.job_id)
    assert (done.state, done.number, done.attention) == (JobState.SUCCEEDED, 1, None)
    assert list(rows.open()) == []
    assert rows.slots().jobs == ()
    assert [listed.job_id for listed in rows.page("flights", 10).jobs] == [job.job_id]


def test_two_claims_of_the_last_slot_meet_in_dynamodb(rows: JobRows) -> None:
    job = planned_job()
    rows.create(job)
    seen = rows.slots()
    rows.submitting(job, seen)
    other = rows.get(job.job_id)
    with pytest.raises(ConditionFailed):
        rows.submitting(other, seen)


def test_numbers_count_per_pipeline_without_a_gap() -> None:
    models = ModelRows(make_table("models", "pipeline", "version"), FakeClock())
    assert [models.take_number("a"), models.take_number("a"), models.take_number("b")] == [1, 2, 1]
    assert models.versions("a") == []


def test_a_digest_is_signed_as_a_digest_with_the_elliptic_key() -> None:
    kms = boto3.client("kms")
    key = kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")["KeyMetadata"]["Arn"]
    digest = hashlib.sha256(b"manifest").digest()
    signature = SigningKey(kms, key).sign(digest)
    # Moto hashes a digest once more, so that only moto itself can check what it signed.
    checked = kms.verify(
        KeyId=key,
        Message=digest,
        MessageType="DIGEST",
        SigningAlgorithm="ECDSA_SHA_256",
        Signature=signature,
    )
    assert checked["SignatureValid"] is True


def test_a_model_file_is_written_once() -> None:
    client = boto3.client("s3")
    client.create_bucket(Bucket="models")
    files = ModelFiles(Bucket(clouds.s3(), "models"))
    sha256 = hashlib.sha256(b"x").hexdigest()
    for _ in range(2):
        assert files.write_once("models/p/v1/card.md", io.BytesIO(b"x"), sha256, 1).sha256 == sha256
    with pytest.raises(Conflict):
        files.write_once("models/p/v1/card.md", b"y", hashlib.sha256(b"y").hexdigest(), 1)
    assert files.write_first("models/p/v1/manifest.sig", b"one") == b"one"
    assert files.write_first("models/p/v1/manifest.sig", b"two") == b"one"


def test_the_log_gives_the_last_lines_and_nothing_before_the_container_started() -> None:
    client = boto3.client("logs")
    logs = TrainingLogs(client)
    assert logs.tail(NAME) == LogLines()
    client.create_log_group(logGroupName=GROUP)
    assert logs.tail(NAME) == LogLines()
    client.create_log_stream(logGroupName=GROUP, logStreamName=f"{NAME}/algo-1-1")
    events = [{"timestamp": int(time.time() * 1000) + n, "message": f"line {n}"} for n in range(5)]
    client.put_log_events(logGroupName=GROUP, logStreamName=f"{NAME}/algo-1-1", logEvents=events)
    read = logs.tail(NAME, 2)
    assert read.lines == ("line 3", "line 4")
    assert read.position is not None
    assert logs.after(NAME, read.position).lines == ()
    more = [{"timestamp": int(time.time() * 1000) + 9, "message": "line 5"}]
    client.put_log_events(logGroupName=GROUP, logStreamName=f"{NAME}/algo-1-1", logEvents=more)
    assert logs.after(NAME, read.position).lines == ("line 5",)
    # A container that follows an interruption writes a stream of its own.
    client.create_log_stream(logGroupName=GROUP, logStreamName=f"{NAME}/algo-1-2")
    more = [{"timestamp": int(time.time() * 1000), "message": "resumed"}]
    client.put_log_events(logGroupName=GROUP, logStreamName=f"{NAME}/algo-1-2", logEvents=more)
    assert logs.after(NAME, read.position).lines == logs.tail(NAME).lines == ("resumed",)


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("ResourceLimitExceeded", "the account-level service limit", QuotaExceeded),
        ("ResourceInUse", "names must be unique", Conflict),
        ("ThrottlingException", "Rate exceeded", Unavailable),
        ("AccessDeniedException", "not authorized to perform iam:PassRole", Broken),
        ("ValidationException", "1 validation error detected", InvalidRequest),
    ],
)
def test_sagemakers_errors_become_ours(code: str, message: str, kind: type[Exception]) -> None:
    client = boto3.client("sagemaker")
    with Stubber(client) as stub:
        stub.add_client_error("create_training_job", code, message)
        with pytest.raises(kind, match=message):
            SageMakerJobs(client).create(minimal_request())


def test_a_request_botocore_refuses_is_invalid_and_not_a_crash() -> None:
    with pytest.raises(InvalidRequest):
        SageMakerJobs(boto3.client("sagemaker")).create({"TrainingJobName": 3})


def test_an_unknown_job_is_not_found_and_stopping_it_or_an_ended_one_is_no_error() -> None:
    client = boto3.client("sagemaker")
    jobs = SageMakerJobs(client)
    with Stubber(client) as stub:
        stub.add_client_error("describe_training_job", "ValidationException", "Requested resource not found.")
        with pytest.raises(NotFound):
            jobs.describe(NAME)
        stub.add_client_error("stop_training_job", "ValidationException", "Requested resource not found.")
        jobs.stop(NAME)
        ended = "The request was rejected because the training job is in status Completed."
        stub.add_client_error("stop_training_job", "ValidationException", ended)
        jobs.stop(NAME)
        stub.assert_no_pending_responses()


def test_a_description_carries_the_input_hash_it_was_created_with() -> None:
    client = boto3.client("sagemaker")
    answer = {
        "TrainingJobName": NAME,
        "TrainingJobArn": f"arn:aws:sagemaker:us-east-1:000000000000:training-job/{NAME}",
        "ModelArtifacts": {"S3ModelArtifacts": "s3://models/x"},
        "TrainingJobStatus": "InProgress",
        "SecondaryStatus": "Training",
        "AlgorithmSpecification": {"TrainingInputMode": "File"},
        "ResourceConfig": {"VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 1800},
        "CreationTime": datetime(2026, 1, 1, tzinfo=UTC),
        "TrainingStartTime": datetime(2026, 1, 1, 1, tzinfo=UTC),
        "Environment": {"HEADRACE_INPUT_SHA256": "abc"},
    }
    with Stubber(client) as stub:
        stub.add_response("describe_training_job", answer, {"TrainingJobName": NAME})
        described = SageMakerJobs(client).describe(NAME)
    assert (described.input_sha256, described.max_runtime_s) == ("abc", 1800)
    assert described.started_at == datetime(2026, 1, 1, 1, tzinfo=UTC)


def minimal_request() -> dict[str, Any]:
    return {
        "TrainingJobName": NAME,
        "RoleArn": "arn:aws:iam::000000000000:role/sagemaker",
        "OutputDataConfig": {"S3OutputPath": "s3://models/staging"},
        "ResourceConfig": {"VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 1800},
        "AlgorithmSpecification": {"TrainingInputMode": "File", "TrainingImage": "image"},
    }
