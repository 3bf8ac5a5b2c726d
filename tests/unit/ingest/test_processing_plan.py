"""The request for a processing job is one that SageMaker takes, and as large as the upload needs."""

import msgspec
import pytest
from botocore.session import Session
from botocore.validate import ParamValidator
from chalicelib.ingest.processing import plan

from shared.entities.dataset import DatasetState, DatasetVersion
from shared.sanitising import sanitise
from tests.unit.ingest.world import PLACE

GIB = 1 << 30
ROW = DatasetVersion(
    pipeline="trips",
    version="0123456789abcdef0123",
    ordinal=1,
    state=DatasetState.VALIDATING,
    bucket="incoming",
    key="incoming/trips/ein größeres + file.csv",
    size_bytes=5 * GIB,
    created_at="",
    updated_at="",
)
REQUEST = plan.processing_request(ROW, 2, PLACE)


def test_the_request_fits_sagemakers_own_model():
    shape = Session().get_service_model("sagemaker").operation_model("CreateProcessingJob").input_shape
    report = ParamValidator().validate(REQUEST, shape)
    assert not report.has_errors(), report.generate_report()
    entrypoint = REQUEST["AppSpecification"]["ContainerEntrypoint"]
    assert all(len(word) <= 256 and "\n" not in word for word in entrypoint)
    assert len(REQUEST["ProcessingJobName"]) <= 63


def test_the_job_reads_three_whole_keys_and_writes_one_place():
    inputs = {item["InputName"]: item["S3Input"]["S3Uri"] for item in REQUEST["ProcessingInputs"]}
    folder = "s3://data/staging/trips/0123456789abcdef0123"
    assert inputs == {
        "raw": f"{folder}/raw/object",
        "order": f"{folder}/a2/order.json",
        "code": "s3://models/code/0123/ingest.zip",
    }
    (output,) = REQUEST["ProcessingOutputConfig"]["Outputs"]
    assert output["S3Output"]["S3Uri"] == "s3://data/datasets/trips/0123456789abcdef0123"
    # What a job that broke off had written must not be taken for a dataset.
    assert output["S3Output"]["S3UploadMode"] == "EndOfJob"
    assert REQUEST["NetworkConfig"] == {"EnableNetworkIsolation": True}


def test_a_users_file_name_reaches_no_address():
    assert "größeres" not in str(REQUEST)


@pytest.mark.parametrize(
    ("key", "size_bytes", "gib"),
    [("a.csv", 1, 21), ("a.csv", 5 * GIB, 40), ("a.csv.gz", 5 * GIB, 85), ("a.csv", 100 * GIB, 420)],
)
def test_the_disk_holds_upload_staged_rows_and_dataset(key, size_bytes, gib):
    assert plan.volume_gb(key, size_bytes) == gib


def test_the_time_grows_with_the_file_and_ends_at_a_day():
    assert plan.max_runtime_s("a.csv", 1) == 3600
    assert plan.max_runtime_s("a.csv", 10 * GIB) > 3 * 3600
    assert plan.max_runtime_s("a.csv.zst", 100 * GIB) == 86400


def test_the_same_attempt_always_asks_for_the_same():
    again = plan.processing_request(msgspec.structs.replace(ROW, updated_at="later", rev=9), 2, PLACE)
    assert again == REQUEST


def test_a_reason_for_people_names_no_address_and_no_path():
    told = sanitise(
        "OSError: no space on /opt/ml/processing/scratch/x\n  of s3://bucket/key, arn:aws:iam::1:role/r"
    )
    assert told == "OSError: no space on <path> of <address> <arn>"
    assert len(sanitise("x" * 1000)) == 300
