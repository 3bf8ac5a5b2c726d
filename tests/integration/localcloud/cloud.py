"""Start a local cloud of one's own, and make small functions in it. No fixtures: anybody may use it."""

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import msgspec
from botocore.config import Config

from localcloud import control
from tests.clouds import free_port

ROOT = Path(__file__).resolve().parents[3]
RUNTIMES = ROOT / ".venv" / "runtimes"
LAMBDA_RUNTIME = RUNTIMES / "python3.12" / "bin" / "python"
QUICK_RETRIES = ("--async-retry-base", "0.05")


class Cloud(msgspec.Struct, frozen=True, kw_only=True):
    """A running local cloud with clients for its root user."""

    home: Path
    running: control.Running

    @property
    def url(self) -> str:
        return self.running.url

    def client(self, service: str, **options: Any) -> Any:
        """Return a boto3 client; by default of the root user."""
        credentials = {
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
            "region_name": "us-east-1",
        }
        config = Config(retries={"max_attempts": 1, "mode": "standard"})
        return boto3.client(service, endpoint_url=self.url, **({"config": config} | credentials | options))


def start_cloud(home: Path, port: int | None = None, options: tuple[str, ...] = QUICK_RETRIES) -> Cloud:
    """Start a cloud on a free port. The caller stops it with `control.stop(home)`."""
    running = control.start(
        home=home,
        port=port or free_port(),
        lambda_runtime=LAMBDA_RUNTIME,
        images=RUNTIMES,
        options=options,
    )
    return Cloud(home=home, running=running)


@contextmanager
def cloud_in(home: Path) -> Iterator[Cloud]:
    """Run a cloud for the length of a block."""
    cloud = start_cloud(home)
    try:
        yield cloud
    finally:
        control.stop(home)


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid4().hex[:8]}"


def zip_of(source: str, **files: bytes) -> bytes:
    """Return a deployment package with `app.py` and other files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as package:
        package.writestr("app.py", source)
        for name, content in files.items():
            package.writestr(name, content)
    return buffer.getvalue()


def make_role(cloud: Cloud, *statements: dict[str, Any]) -> str:
    """Make a Lambda role that may do what the statements say; return its ARN."""
    name = unique("role")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam = cloud.client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=policy(*statements))
    return str(role["Role"]["Arn"])


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def make_function(cloud: Cloud, source: str, *statements: dict[str, Any], **settings: Any) -> str:
    """Make a function of `def handler(event, context)`; return its name."""
    name = unique("fn")
    cloud.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="app.handler",
        Role=make_role(cloud, *statements),
        Code={"ZipFile": zip_of(source)},
        **settings,
    )
    return name


def call(cloud: Cloud, name: str, event: Any = None) -> tuple[Any, str | None]:
    """Invoke and return what came back and the kind of error, if any."""
    answer = cloud.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event or {}))
    return json.loads(answer["Payload"].read()), answer.get("FunctionError")


def make_queue(cloud: Cloud) -> tuple[str, str]:
    """Make a queue; return URL and ARN."""
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName=unique("queue"))["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    return url, attributes["QueueArn"]


def receive(cloud: Cloud, queue_url: str, within_s: float = 15.0) -> dict[str, Any]:
    """Wait for one message."""
    sqs = cloud.client("sqs")

    def message() -> Any:
        answer = sqs.receive_message(QueueUrl=queue_url, WaitTimeSeconds=1, MessageAttributeNames=["All"])
        return (answer.get("Messages") or [None])[0]

    return dict(wait_for(message, within_s))


def wait_for[T](look: Callable[[], T | None], within_s: float = 15.0) -> T:
    """Look until there is something, or fail."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"nothing within {within_s} s")
