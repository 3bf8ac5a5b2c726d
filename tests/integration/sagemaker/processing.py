"""Processing jobs in one call: the script is an input like any other, because an entrypoint has 256 characters."""

from typing import Any

from tests.integration.sagemaker.harness import BUCKET, IMAGE, Cloud, wait_for

LOG_GROUP = "/aws/sagemaker/ProcessingJobs"
TERMINAL = ("Completed", "Failed", "Stopped")


def process(cloud: Cloud, name: str, script: str, **changes: Any) -> str:
    """Start a job that runs the script; its output `out` ends up under processing/<name>/out/."""
    cloud.put(f"processing/{name}/code/run.py", script)
    inputs = [s3_input("code", f"s3://{BUCKET}/processing/{name}/code/"), *changes.pop("inputs", [])]
    cluster = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5}
    application = {
        "ImageUri": IMAGE,
        "ContainerEntrypoint": ["python3", "/opt/ml/processing/code/run.py"],
    }
    request = {
        "ProcessingJobName": name,
        "RoleArn": "arn:aws:iam::000000000000:role/sagemaker",
        "AppSpecification": application | changes.pop("application", {}),
        "ProcessingResources": {"ClusterConfig": cluster | changes.pop("cluster", {})},
        "ProcessingInputs": inputs,
        "ProcessingOutputConfig": {"Outputs": changes.pop("outputs", [s3_output(name)])},
    }
    return str(cloud.sagemaker.create_processing_job(**(request | changes))["ProcessingJobArn"])


def s3_input(name: str, uri: str, kind: str = "S3Prefix", **changes: Any) -> dict[str, Any]:
    source = {
        "S3Uri": uri,
        "LocalPath": f"/opt/ml/processing/{name}",
        "S3DataType": kind,
        "S3InputMode": "File",
        "S3DataDistributionType": "FullyReplicated",
        "S3CompressionType": "None",
    }
    return {"InputName": name, "S3Input": source | changes}


def s3_output(job: str, mode: str = "EndOfJob", name: str = "out", **changes: Any) -> dict[str, Any]:
    target = {
        "S3Uri": f"s3://{BUCKET}/processing/{job}/{name}",
        "LocalPath": f"/opt/ml/processing/{name}",
        "S3UploadMode": mode,
    }
    return {"OutputName": name, "S3Output": target | changes}


def describe(cloud: Cloud, name: str) -> dict[str, Any]:
    job: dict[str, Any] = cloud.sagemaker.describe_processing_job(ProcessingJobName=name)
    return job


def wait_for_end(cloud: Cloud, name: str, timeout_s: float = 60) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        job = describe(cloud, name)
        return job if job["ProcessingJobStatus"] in TERMINAL else None

    return wait_for(ended, timeout_s, f"processing job {name} ends")


def wait_for_line(cloud: Cloud, name: str, line: str) -> None:
    def is_there() -> bool:
        try:
            return line in cloud.log_lines(LOG_GROUP, f"{name}/")
        except cloud.logs.exceptions.ResourceNotFoundException:
            return False

    wait_for(is_there, 30, f"{name} prints {line}")


def keys_under(cloud: Cloud, prefix: str) -> list[str]:
    """Return what is in the bucket below the prefix, relative to it."""
    found = cloud.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    return [item["Key"].removeprefix(prefix) for item in found]
