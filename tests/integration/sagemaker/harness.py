"""A server process with the local SageMaker, and clients that say in one call what a test needs."""

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.clouds import free_port

ROOT = Path(__file__).parents[3]
IMAGES = ROOT / ".venv" / "runtimes"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0"
BUCKET = "sagemaker-tests"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


class Server:
    """A server process of our own; `restart` and `kill` are what the process tests are about."""

    def __init__(self, home: Path, *, images: Path = IMAGES, **environment: str) -> None:
        self.home, self.images, self.port = home, images, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = environment
        self.start()

    def start(self) -> None:
        command = [sys.executable, str(Path(__file__).with_name("server.py"))]
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self._log = (self.home / "server.log").open("ab")
        self.process = subprocess.Popen(
            [*command, str(self.home), str(self.port), str(self.images)],
            env=kept | {"TMPDIR": str(self.home), "PYTHONPATH": str(ROOT)} | self._environment,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        wait_for(self._answers, 40, "the server answers")

    def stop(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)
        self.process.wait(30)
        self._log.close()

    def _answers(self) -> bool:
        assert self.process.poll() is None, (self.home / "server.log").read_text()[-3000:]
        try:
            urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=2).close()
        except (urllib.error.URLError, OSError):
            return False
        return True


class Cloud:
    """Clients of one server and the few calls every test makes."""

    def __init__(
        self, url: str, access_key: str = "test", secret_key: str = "test", token: str | None = None
    ) -> None:
        self.url = url
        self._keys = {
            "aws_access_key_id": access_key,
            "aws_secret_access_key": secret_key,
            "aws_session_token": token,
        }
        self.s3 = self.client("s3")
        self.sagemaker = self.client("sagemaker", parameter_validation=False)
        self.runtime = self.client("sagemaker-runtime")
        self.logs = self.client("logs")
        self.iam = self.client("iam")

    def client(self, service: str, **options: Any) -> Any:
        config = Config(
            s3={"addressing_style": "path"}, retries={"max_attempts": 0}, read_timeout=90, **options
        )
        return boto3.session.Session().client(
            service, endpoint_url=self.url, region_name="us-east-1", config=config, **self._keys
        )

    def create_role(self, name: str, statements: list[dict[str, Any]]) -> str:
        role = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        policy = {"Version": "2012-10-17", "Statement": statements}
        self.iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(policy))
        return str(role)

    def put(self, key: str, body: bytes | str) -> str:
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        return f"s3://{BUCKET}/{key}"

    def get(self, key: str) -> bytes:
        return bytes(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def wait_for_job(self, name: str, timeout_s: float = 60) -> dict[str, Any]:
        def ended() -> dict[str, Any] | None:
            job: dict[str, Any] = self.sagemaker.describe_training_job(TrainingJobName=name)
            return job if job["TrainingJobStatus"] in ("Completed", "Failed", "Stopped") else None

        return wait_for(ended, timeout_s, f"job {name} ends")

    def wait_for_secondary(self, name: str, status: str) -> None:
        def reached() -> bool:
            job = self.sagemaker.describe_training_job(TrainingJobName=name)
            return any(item["Status"] == status for item in job["SecondaryStatusTransitions"])

        wait_for(reached, 30, f"job {name} is {status}")

    def wait_for_endpoint(self, name: str, timeout_s: float = 60) -> dict[str, Any]:
        def settled() -> dict[str, Any] | None:
            endpoint: dict[str, Any] = self.sagemaker.describe_endpoint(EndpointName=name)
            return endpoint if endpoint["EndpointStatus"] in ("InService", "Failed") else None

        return wait_for(settled, timeout_s, f"endpoint {name} settles")

    def log_lines(self, group: str, prefix: str = "") -> list[str]:
        arguments = {"logStreamNamePrefix": prefix} if prefix else {}
        streams = self.logs.describe_log_streams(logGroupName=group, **arguments)["logStreams"]
        pages = [
            self.logs.get_log_events(logGroupName=group, logStreamName=s["logStreamName"]) for s in streams
        ]
        return [event["message"] for page in pages for event in page["events"]]

    def train(self, name: str, script: str, **changes: Any) -> str:
        """Start a job that runs the script as train.py, the way AWS's prebuilt images do."""
        source = self.put(f"{name}/code/sourcedir.tar.gz", tar({"train.py": script}))
        channels = [channel("code", source.rsplit("/", 1)[0] + "/"), *changes.pop("channels", [])]
        hyperparameters = {
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": "/opt/ml/input/data/code/sourcedir.tar.gz",
        }
        algorithm = {"TrainingImage": IMAGE, "TrainingInputMode": "File"} | changes.pop("algorithm", {})
        request = {
            "TrainingJobName": name,
            "RoleArn": "arn:aws:iam::000000000000:role/sagemaker",
            "AlgorithmSpecification": algorithm,
            "HyperParameters": hyperparameters | changes.pop("hyperparameters", {}),
            "InputDataConfig": channels,
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/{name}/out"},
            "ResourceConfig": {
                "InstanceType": f"ml.m5.{_sizes(name)}",
                "InstanceCount": 1,
                "VolumeSizeInGB": 1,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        }
        return str(self.sagemaker.create_training_job(**(request | changes))["TrainingJobArn"])

    def deploy(self, name: str, script: str, files: dict[str, str] | None = None, **variant: Any) -> None:
        """Create model, configuration and endpoint of one name; the script is its inference.py."""
        self.create_model(name, script, files)
        if "ServerlessConfig" not in variant:
            variant = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1} | variant
        variants = [{"VariantName": "AllTraffic", "ModelName": name} | variant]
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants)
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)

    def create_model(
        self, name: str, script: str, files: dict[str, str] | None = None, **changes: Any
    ) -> None:
        uri = self.put(f"{name}/model.tar.gz", tar({"code/inference.py": script} | (files or {})))
        environment = {
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        }
        container = {"Image": IMAGE, "ModelDataUrl": uri, "Environment": environment}
        request = {
            "ModelName": name,
            "ExecutionRoleArn": "arn:aws:iam::000000000000:role/sagemaker",
            "PrimaryContainer": container,
        }
        self.sagemaker.create_model(**(request | changes))


def wait_for[T](condition: Callable[[], T | None], timeout_s: float, what: str) -> T:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within {timeout_s} s: {what}")


def refusal(call: Callable[..., object], **request: Any) -> tuple[str, str]:
    """Return code and message of the error a call ends with."""
    with pytest.raises(ClientError) as error:
        call(**request)
    details = error.value.response["Error"]
    return details["Code"], details["Message"]


def tar(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


def untar(body: bytes) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        # None only for members that are no files, and those are left out first.
        files = {m.name: archive.extractfile(m) for m in archive if m.isfile()}
        return {name: file.read().decode() for name, file in files.items() if file is not None}


def channel(name: str, uri: str, kind: str = "S3Prefix") -> dict[str, Any]:
    source = {"S3DataType": kind, "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


def write_faults(path: Path, *wanted: dict[str, Any]) -> None:
    """Ask the server that was started with this file for faults, each with an id of its own."""
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps([{"id": uuid.uuid4().hex, **fault} for fault in wanted]))
    draft.replace(path)


def new_cloud(url: str) -> Cloud:
    """Clients of a fresh server, with the bucket and the role every test uses."""
    cloud = Cloud(url)
    cloud.s3.create_bucket(Bucket=BUCKET)
    cloud.create_role("sagemaker", [{"Effect": "Allow", "Action": ["s3:*", "logs:*"], "Resource": "*"}])
    return cloud


def _sizes(name: str) -> str:
    # The quota counts per instance type: a type per test keeps the tests from meeting in it.
    sizes = ["large", "xlarge", "2xlarge", "4xlarge", "12xlarge", "24xlarge"]
    return sizes[sum(name.encode()) % len(sizes)]
