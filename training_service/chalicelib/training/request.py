"""The whole CreateTrainingJob request of one attempt, as data; the adapter only sends it."""

from typing import Any

import msgspec
from chalicelib.training.families import FAMILIES
from chalicelib.training.job import sagemaker_name
from chalicelib.training.plan import TrainingPlan

INPUT_VARIABLE = "HEADRACE_INPUT_SHA256"
_CODE = "/opt/ml/input/data/code/sourcedir.tar.gz"
# Input mode File copies every channel to the disk whole; the model and its checkpoints need room beside them.
_VOLUME_GB = 30
# Spot capacity that does not come for an hour in all will hardly come in the next.
_SPOT_WAIT_S = 3600
_VCPUS = {"medium": 2, "large": 2, "xlarge": 4}


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where jobs run: the stage, the role they take and the buckets they read and write."""

    stage: str
    role_arn: str
    data_bucket: str
    models_bucket: str


def training_request(plan: TrainingPlan, attempt: int, place: Place) -> dict[str, Any]:
    """Return the request.

    The artifact lands at ``staging/<name>/output/model.tar.gz``: SageMaker itself adds the job's name.
    """
    name = sagemaker_name(place.stage, plan.job_id, attempt)
    metrics = FAMILIES[plan.parameters["task"]].metrics
    return {
        "TrainingJobName": name,
        "RoleArn": place.role_arn,
        "AlgorithmSpecification": {
            "TrainingImage": plan.image_uri,
            "TrainingInputMode": "File",
            "MetricDefinitions": [
                {"Name": metric, "Regex": f"metric: {metric}=([-+0-9.eE]+)"} for metric in metrics
            ],
        },
        # The toolkit JSON-decodes each value. A path instead of an s3:// URI, because an isolated container
        # could not download it.
        "HyperParameters": {
            "sagemaker_program": '"train.py"',
            "sagemaker_submit_directory": f'"{_CODE}"',
        },
        "InputDataConfig": channels_of(plan, place),
        # No KMS key here: the bucket encrypts by default.
        "OutputDataConfig": {"S3OutputPath": f"s3://{place.models_bucket}/staging"},
        # One place for all attempts of a job: they have the same inputs, so the next goes on where the last was.
        "CheckpointConfig": {"S3Uri": f"s3://{place.models_bucket}/staging/{plan.job_id}/checkpoints"},
        "ResourceConfig": {
            "InstanceType": plan.instance,
            "InstanceCount": 1,
            "VolumeSizeInGB": _VOLUME_GB,
        },
        # What runs away is stopped by SageMaker itself; we only notice if it fails to.
        "StoppingCondition": stopping_condition(plan),
        "EnableManagedSpotTraining": plan.spot,
        "EnableNetworkIsolation": True,
        # Describe returns the environment but not the tags, so the input hash is in both.
        "Environment": {INPUT_VARIABLE: plan.input_sha256, **_threads(plan)},
        "Tags": _tags(plan, place.stage),
    }


def _threads(plan: TrainingPlan) -> dict[str, str]:
    """Return how many threads there are, and that they sleep while they wait.

    Here and not only in the script: libraries read both once, when they are loaded, which may be before it begins.
    """
    return {"OMP_NUM_THREADS": str(vcpus_of(plan.instance)), "OMP_WAIT_POLICY": "PASSIVE"}


def _tags(plan: TrainingPlan, stage: str) -> list[dict[str, str]]:
    tags = {
        "stage": stage,
        "pipeline": plan.pipeline,
        "job_id": plan.job_id,
        "input_sha256": plan.input_sha256,
    }
    return [{"Key": f"headrace:{name}", "Value": value} for name, value in tags.items()]


def stopping_condition(plan: TrainingPlan) -> dict[str, int]:
    """Return how long the job may run and, on spot capacity, how long it may take with all interruptions."""
    run_s = plan.max_minutes * 60
    if not plan.spot:
        # SageMaker refuses a MaxWaitTimeInSeconds without spot capacity.
        return {"MaxRuntimeInSeconds": run_s}
    return {"MaxRuntimeInSeconds": run_s, "MaxWaitTimeInSeconds": run_s + _SPOT_WAIT_S}


def channels_of(plan: TrainingPlan, place: Place) -> list[dict[str, Any]]:
    """Return the input channels: full keys for single objects, manifests for parts of many versions."""
    folder = f"s3://{place.data_bucket}/jobs/{plan.job_id}"
    code = f"s3://{place.models_bucket}/code/{plan.recipe_sha256}/sourcedir.tar.gz"
    channels = [
        _channel("code", "S3Prefix", code),
        _channel("parameters", "S3Prefix", f"{folder}/parameters.json"),
    ]
    channels += [_channel(side, "ManifestFile", f"{folder}/{side}.manifest") for side in plan.channels]
    for name, model in (("champion", plan.champion), ("challenger", plan.challenger)):
        if model:
            artifact = f"s3://{place.models_bucket}/{model.artifact_key}"
            channels.append(_channel(name, "S3Prefix", artifact))
    return channels


def vcpus_of(instance: str) -> int:
    """Return the vCPUs of ``ml.<family>.<size>``: native libraries start no more threads than that."""
    size = instance.rpartition(".")[2]
    multiple = size.removesuffix("xlarge")
    return int(multiple) * 4 if multiple.isdigit() else _VCPUS.get(size, 2)


def _channel(name: str, kind: str, uri: str) -> dict[str, Any]:
    source = {"S3DataType": kind, "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "InputMode": "File", "DataSource": {"S3DataSource": source}}
