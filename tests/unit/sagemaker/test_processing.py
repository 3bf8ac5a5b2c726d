"""Processing jobs: states, configuration files, exit messages, outputs and refusals; the pure parts."""

import json
from pathlib import Path
from typing import Any

import pytest
from boto3.exceptions import S3UploadFailedError

from localcloud.sagemaker import events, iam, listing
from localcloud.sagemaker.errors import ApiError, ClientJobError
from localcloud.sagemaker.jobs import job_limits, job_status, processing_files
from localcloud.sagemaker.jobs.outputs import FolderUpload
from localcloud.sagemaker.settings import Settings
from localcloud.sagemaker.store import PROCESSING_JOB, TRAINING_JOB, Scope, Store

HERE = Scope(account="000000000000", region="us-east-1")


def s3_item(kind: str, name: str, **changes: Any) -> dict[str, Any]:
    place = {"S3Uri": f"s3://b/{name}", "LocalPath": f"/opt/ml/processing/{name}"} | changes
    return {f"{kind}Name": name, f"S3{kind}": place}


def request(**changes: Any) -> dict[str, Any]:
    return {
        "ProcessingJobName": "job",
        "RoleArn": "arn:aws:iam::000000000000:role/sagemaker",
        "AppSpecification": {"ImageUri": "image", "ContainerEntrypoint": ["python3", "-V"]},
        "ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1}},
        "ProcessingInputs": [s3_item("Input", "raw"), s3_item("Input", "code")],
        "ProcessingOutputConfig": {"Outputs": [s3_item("Output", "out", S3UploadMode="EndOfJob")]},
    } | changes


def test_an_ended_job_has_its_end_time_once():
    row: dict[str, Any] = {"ProcessingJobStatus": "InProgress", "ProcessingEndTime": 5.0}
    job_status.move(PROCESSING_JOB, row, "Completed")
    assert row == {"ProcessingJobStatus": "Completed", "ProcessingEndTime": 5.0}
    fresh: dict[str, Any] = {"ProcessingJobStatus": "InProgress"}
    job_status.fail(PROCESSING_JOB, fresh, "ClientError: no")
    assert (fresh["ProcessingJobStatus"], fresh["FailureReason"]) == ("Failed", "ClientError: no")
    assert fresh["ProcessingEndTime"] > 0


@pytest.mark.parametrize("kind", [PROCESSING_JOB, TRAINING_JOB])
def test_stopping_twice_is_one_stop_and_an_ended_job_refuses(kind):
    row: dict[str, Any] = {f"{kind.name}Status": "InProgress"}
    job_status.begin_stopping(kind, row)
    once = job_status.position(kind, row)
    job_status.begin_stopping(kind, row)
    assert job_status.position(kind, row) == once
    job_status.move(kind, row, "Stopped")
    with pytest.raises(ApiError, match=rf"because the {kind.noun} is in status Stopped\."):
        job_status.begin_stopping(kind, row)


def test_an_event_of_a_processing_job_has_aws_s_name_and_milliseconds():
    row = {"ProcessingJobArn": "arn", "ProcessingJobStatus": "Completed", "ProcessingEndTime": 2.5}
    record = events.event_record(PROCESSING_JOB, row, {"a": "b"}, HERE)
    assert record["DetailType"] == "SageMaker Processing Job State Change"
    assert json.loads(record["Detail"]) == row | {"ProcessingEndTime": 2500, "Tags": {"a": "b"}}


def test_the_configuration_holds_the_request_and_the_arn_and_no_state(tmp_path):
    row = request(ProcessingJobArn="arn", ProcessingJobStatus="InProgress", CreationTime=1.0)
    processing_files.write_configuration(tmp_path, row, "algo-1", "/opt/ml")
    job = json.loads((tmp_path / "config" / "processingjobconfig.json").read_text())
    assert job == request(ProcessingJobArn="arn")
    resources = json.loads((tmp_path / "config" / "resourceconfig.json").read_text())
    assert resources == {"current_host": "algo-1", "hosts": ["algo-1"]}
    assert (tmp_path / "processing" / "out").is_dir()


def test_without_mounts_only_local_paths_are_told_by_where_they_really_are(tmp_path):
    inputs = [s3_item("Input", "raw", S3Uri="s3://b/opt/ml/raw")]
    row = request(ProcessingInputs=inputs, Environment={"WHERE": "/opt/ml"})
    processing_files.write_configuration(tmp_path, row, "localhost", "/there")
    job = json.loads((tmp_path / "config" / "processingjobconfig.json").read_text())
    assert job["ProcessingInputs"][0]["S3Input"] == {
        "S3Uri": "s3://b/opt/ml/raw",
        "LocalPath": "/there/processing/raw",
    }
    assert job["Environment"] == {"WHERE": "/opt/ml"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, None),
        (b"", ""),
        ("größe".encode(), "größe"),
        (b"x" * 5000, "x" * 1024),
        # The second byte of the last letter is beyond the limit.
        (b"x" * 1023 + "ö".encode(), "x" * 1023),
    ],
)
def test_the_exit_message_is_the_first_kilobyte_in_whole_letters(tmp_path, content, message):
    (tmp_path / "output").mkdir()
    if content is not None:
        (tmp_path / "output" / "message").write_bytes(content)
    assert processing_files.exit_message(tmp_path) == message


@pytest.mark.parametrize("content", [b"gr\xf6\xdfe", b"cut \xc3"])
def test_an_exit_message_that_is_not_utf_8_is_the_callers_fault(tmp_path, content):
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "message").write_bytes(content)
    with pytest.raises(ClientJobError, match="is not UTF-8"):
        processing_files.exit_message(tmp_path)


def test_a_good_request_passes():
    processing_files.check_local_limits(request())
    processing_files.check_local_limits(
        request(ProcessingInputs=None, ProcessingOutputConfig=None)
        | {"ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.large"}}}
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"ProcessingResources": {"ClusterConfig": {"InstanceCount": 1}}},
            "needs .*ClusterConfig.InstanceType",
        ),
        ({"ProcessingInputs": [{"InputName": "d", "DatasetDefinition": {}}]}, "input 'd' has an S3Input"),
        ({"ProcessingInputs": [s3_item("Input", "a") | {"AppManaged": True}]}, "is not AppManaged"),
        ({"ProcessingInputs": [s3_item("Input", "a", S3Uri="https://b/a")]}, "begins with s3://"),
        ({"ProcessingInputs": [s3_item("Input", "a", LocalPath="/opt/ml/processing")]}, "must begin with"),
        ({"ProcessingInputs": [s3_item("Input", "a", LocalPath="opt/ml/processing/a")]}, "must begin with"),
        ({"ProcessingInputs": [s3_item("Input", "a"), s3_item("Input", "a")]}, "input name must be unique"),
        ({"ProcessingOutputConfig": {"Outputs": [{"OutputName": "f"}]}}, "output 'f' has an S3Output"),
        (
            {"ProcessingOutputConfig": {"Outputs": [s3_item("Output", "a"), s3_item("Output", "a")]}},
            "output name must be unique",
        ),
    ],
)
def test_what_has_no_counterpart_here_is_refused_by_name(changes, words):
    with pytest.raises(ApiError, match=words):
        processing_files.check_local_limits(request(**changes))


@pytest.mark.parametrize(
    ("local_path", "is_inside"),
    [
        ("/opt/ml/processing/a/../b", True),
        ("/opt/ml/processing/../../../etc", False),
        ("/opt/ml/processing/..", False),
        ("/opt/ml/processing-other/a", False),
    ],
)
def test_a_local_path_is_judged_by_where_it_leads(local_path, is_inside):
    assert job_limits.is_under(local_path, "/opt/ml/processing") is is_inside


def test_a_folder_on_this_machine_never_leaves_the_jobs_own():
    folder = job_limits.folder_at(Path("/srv/job/ml"), "/opt/ml/processing/a/../b/")
    assert folder == Path("/srv/job/ml/processing/b")


class Uploads:
    """S3 as far as an output needs it: what was uploaded, in order; `before` happens first."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.before = lambda: None

    def upload_file(self, path: str, bucket: str, key: str) -> None:
        self.before()
        if not Path(path).exists():
            raise FileNotFoundError(path)
        self.keys.append(key)


def test_only_new_and_changed_files_are_uploaded_again(tmp_path):
    s3 = Uploads()
    upload = FolderUpload(s3, tmp_path, "s3://b/out/")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a").write_text("1")
    (tmp_path / "b").write_text("1")
    upload.synchronise()
    upload.synchronise()
    assert sorted(s3.keys) == ["out/b", "out/deep/a"]
    (tmp_path / "b").write_text("longer")
    upload.synchronise()
    assert s3.keys[2:] == ["out/b"]


def test_links_are_not_followed(tmp_path):
    s3 = Uploads()
    (tmp_path / "out").mkdir()
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "file").write_text("1")
    (tmp_path / "out" / "folder").symlink_to(tmp_path / "secret")
    (tmp_path / "out" / "file").symlink_to(tmp_path / "secret" / "file")
    FolderUpload(s3, tmp_path / "out", "s3://b/out").synchronise()
    assert s3.keys == []


def test_a_file_that_is_renamed_before_its_turn_is_no_error_but_a_refusal_is(tmp_path):
    s3 = Uploads()
    file = tmp_path / "a.tmp"
    file.write_text("1")
    s3.before = file.unlink
    upload = FolderUpload(s3, tmp_path, "s3://b/out")
    upload.synchronise()
    assert s3.keys == []
    file.write_text("1")

    def refuse() -> None:
        raise S3UploadFailedError("AccessDenied")

    s3.before = refuse
    with pytest.raises(ClientJobError, match=r"s3://b/out/a\.tmp: AccessDenied"):
        upload.synchronise()


def test_names_are_unique_and_unknown_in_awss_words(tmp_path):
    store = Store(tmp_path / "state.json")
    store.create(PROCESSING_JOB, HERE, {"ProcessingJobName": "j"})
    with pytest.raises(ApiError, match=r"already exists \(arn:aws:sagemaker:.*:processing-job/j\)") as error:
        store.create(PROCESSING_JOB, HERE, {"ProcessingJobName": "j"})
    assert error.value.code == "ResourceInUse"
    with pytest.raises(ApiError, match="Could not find requested job with name: Other"):
        store.get(PROCESSING_JOB, HERE, "Other")
    store.create(TRAINING_JOB, HERE, {"TrainingJobName": "j"})


def test_jobs_are_listed_oldest_first_when_nothing_is_said():
    rows = [{"ProcessingJobName": name, "CreationTime": at} for name, at in (("new", 2.0), ("old", 1.0))]
    page, _ = listing.list_page(PROCESSING_JOB, rows, {})
    assert [row["ProcessingJobName"] for row in page] == ["old", "new"]


def test_iam_sees_a_processing_job_by_its_own_arn():
    headers = {"x-amz-target": "SageMaker.StopProcessingJob"}
    found = iam.resource_of("/", headers, b'{"ProcessingJobName": "Job"}', HERE)
    assert found == "arn:aws:sagemaker:us-east-1:000000000000:processing-job/job"


def test_the_quota_of_processing_is_a_switch_of_its_own(tmp_path):
    env = {"LOCALCLOUD_SAGEMAKER_PROCESSING_INSTANCES": "9"}
    settings = Settings.from_env(images=tmp_path, home=tmp_path, endpoint_url="http://x", env=env)
    assert (settings.processing_instances, settings.training_instances) == (9, 2)
