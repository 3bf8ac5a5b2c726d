"""The CreateProcessingJob request of one attempt, as data; the adapter only sends it."""

import re
from typing import Any

import msgspec

from shared.entities.dataset import DatasetVersion

PIPELINE_VARIABLE = "HEADRACE_PIPELINE"
INSTANCE = "ml.m5.large"
ROOT = "/opt/ml/processing"
# The zip of the Lambda has compiled packages, which Python does not import from a zip: unpack, then run.
# One line of at most 256 characters is what SageMaker takes. Locally the folder may be another (see localcloud).
PROGRAM = (
    "import os,runpy,sys,zipfile as z;"
    "r=os.environ.get('SAGEMAKER_BASE_DIR','/opt/ml')+'/processing/';"
    "z.ZipFile(r+'code/ingest.zip').extractall(r+'program');"
    "sys.path.insert(0,r+'program');"
    "runpy.run_module('chalicelib.ingest.processing.job',run_name='__main__')"
)
# Text inflates to about ten times its gzip; the rows are staged once and written once beside the upload itself.
_PACKED_ENDINGS = (".gz", ".zst", ".zip", ".parquet")
_PACKED, _PLAIN = 12, 3
_GIB = 1 << 30
_LEAST_VOLUME_GB = 20
# One pass over dirty CSV took 3.4 CPU seconds for 212 MB here; a file may need several. Thirty times that is stuck.
_LEAST_RUNTIME_S, _MOST_RUNTIME_S = 3600, 86400
_BYTES_PER_S = 2_000_000
_NAME = re.compile(r"headrace-([a-z]{2,8})-ingest-([0-9a-f]{20})-a([1-9][0-9]*)")


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where jobs run: the stage, the role they take, the image, the code, the bucket they read and write."""

    stage: str
    role_arn: str
    image_uri: str
    code_uri: str
    data_bucket: str


class JobName(msgspec.Struct, frozen=True, kw_only=True):
    """What the name of a job says."""

    version: str
    attempt: int


def job_name(stage: str, version: str, attempt: int) -> str:
    """Return the name of one attempt's job: always the same, so that it can only be created once."""
    return f"headrace-{stage}-ingest-{version}-a{attempt}"


def parse_name(stage: str, name: str) -> JobName | None:
    """Return what *name* says, None where the job is not this stage's."""
    match = _NAME.fullmatch(name)
    return JobName(version=match[2], attempt=int(match[3])) if match and match[1] == stage else None


def raw_key(pipeline: str, version: str) -> str:
    """Return the key of the copy of the upload; its own name, whatever it is, travels in the order."""
    return f"staging/{pipeline}/{version}/raw/object"


def order_key(pipeline: str, version: str, attempt: int) -> str:
    """Return the key of what one attempt is told."""
    return f"staging/{pipeline}/{version}/a{attempt}/order.json"


def processing_request(row: DatasetVersion, attempt: int, place: Place) -> dict[str, Any]:
    """Return the request for *attempt* of a handed-over version.

    No network: the inputs are all it knows, and what it leaves in its output folder is all it can do.
    """
    staged = f"s3://{place.data_bucket}/"
    output = f"{staged}datasets/{row.pipeline}/{row.version}"
    return {
        "ProcessingJobName": job_name(place.stage, row.version, attempt),
        "RoleArn": place.role_arn,
        "AppSpecification": {
            "ImageUri": place.image_uri,
            "ContainerEntrypoint": ["python3", "-c", PROGRAM],
        },
        "ProcessingInputs": [
            # Whole keys: nothing else begins with any of them.
            _input("raw", staged + raw_key(row.pipeline, row.version)),
            _input("order", staged + order_key(row.pipeline, row.version, attempt)),
            _input("code", place.code_uri),
        ],
        "ProcessingOutputConfig": {"Outputs": [_output("dataset", output)]},
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceType": INSTANCE,
                "InstanceCount": 1,
                "VolumeSizeInGB": volume_gb(row.key, row.size_bytes),
            }
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": max_runtime_s(row.key, row.size_bytes)},
        "NetworkConfig": {"EnableNetworkIsolation": True},
        # Describe returns the environment but not the tags, and the name alone finds no row.
        "Environment": {PIPELINE_VARIABLE: row.pipeline},
        "Tags": [
            {"Key": "headrace:stage", "Value": place.stage},
            {"Key": "headrace:pipeline", "Value": row.pipeline},
            {"Key": "headrace:version", "Value": row.version},
        ],
    }


def volume_gb(key: str, size_bytes: int) -> int:
    """Return the disk for the upload, its rows staged and its dataset, at once."""
    return _LEAST_VOLUME_GB + -(-size_bytes * (1 + _times(key)) // _GIB)


def max_runtime_s(key: str, size_bytes: int) -> int:
    """Return the time after which SageMaker stops the job: only what is stuck takes so long."""
    seconds = _LEAST_RUNTIME_S + size_bytes * _times(key) // _BYTES_PER_S
    return min(_MOST_RUNTIME_S, seconds)


def _times(key: str) -> int:
    """Return how many times its own size an upload takes to stage and to write."""
    return _PACKED if key.lower().endswith(_PACKED_ENDINGS) else _PLAIN


def _input(name: str, uri: str) -> dict[str, Any]:
    source = {
        "S3Uri": uri,
        "LocalPath": f"{ROOT}/{name}",
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
        "S3DataDistributionType": "FullyReplicated",
    }
    return {"InputName": name, "S3Input": source}


def _output(name: str, uri: str) -> dict[str, Any]:
    target = {"S3Uri": uri, "LocalPath": f"{ROOT}/output", "S3UploadMode": "EndOfJob"}
    return {"OutputName": name, "S3Output": target}
