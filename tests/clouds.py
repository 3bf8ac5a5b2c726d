"""A local cloud for tests: started once a session, on a free port, in a folder of its own."""

import contextlib
import io
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from localcloud import control
from shared.aws import JsonApi, Service, endpoints
from shared.aws.connections import Answer, Connections, Request, Timeouts
from shared.aws.credentials import Credentials
from shared.aws.endpoints import Place, endpoint_of
from shared.aws.json_api import of_dynamodb, of_event_bridge, of_secrets_manager

ROOT = Path(__file__).resolve().parent.parent
RUNTIMES = ROOT / ".venv" / "runtimes"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
}


def free_port() -> int:
    """Return a port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running_cloud(home: Path) -> Iterator[control.Running]:
    """Run a local cloud with its state in *home* until the block ends."""
    cloud = control.start(
        home=home,
        port=free_port(),
        lambda_runtime=RUNTIMES / "python3.12" / "bin" / "python",
        images=RUNTIMES,
    )
    try:
        yield cloud
    finally:
        control.stop(home)


def client(service: str, url: str | None) -> Any:
    """Return a boto3 client of the cloud at *url* (None: of whatever moto mocks)."""
    import boto3

    return boto3.client(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


class MotoSender:
    """Carries our own client's requests to whatever moto mocks, without a socket."""

    def send(self, request: Request) -> Answer:
        from botocore.awsrequest import AWSPreparedRequest
        from moto.core.models import botocore_stubber

        url = request.origin + request.target
        body = request.body if isinstance(request.body, bytes) else request.body.read()
        prepared = AWSPreparedRequest(request.method, url, request.headers, body, stream_output=False)
        answered = botocore_stubber.process_request(prepared)
        assert answered, f"moto has no answer to {request.method} {url}"
        status, headers, content = answered
        raw = content.encode() if isinstance(content, str) else content
        return Answer(status, {name.lower(): str(text) for name, text in headers.items()}, io.BytesIO(raw))


def service(place: Place, url: str | None) -> Service:
    """Return our own client of one service of the cloud at *url* (None: of whatever moto mocks)."""
    environ = {"AWS_REGION": "us-east-1"} | ({"AWS_ENDPOINT_URL": url} if url else {})
    sender = Connections(Timeouts(connect_s=3, read_s=25)) if url else MotoSender()
    keys = Credentials(key_id="test", secret_key="test")
    return Service(endpoint_of(place, environ), sender, who=lambda: keys)


def s3(url: str | None = None) -> Service:
    """Return S3 of the cloud at *url* (None: of whatever moto mocks)."""
    return service(endpoints.S3, url)


def dynamodb(url: str | None = None) -> JsonApi:
    """Return DynamoDB of the cloud at *url* (None: of whatever moto mocks)."""
    return of_dynamodb(service(endpoints.DYNAMODB, url))


def event_bridge(url: str | None = None) -> JsonApi:
    """Return EventBridge of the cloud at *url* (None: of whatever moto mocks)."""
    return of_event_bridge(service(endpoints.EVENT_BRIDGE, url))


def secrets_manager(url: str | None = None) -> JsonApi:
    """Return Secrets Manager of the cloud at *url* (None: of whatever moto mocks)."""
    return of_secrets_manager(service(endpoints.SECRETS_MANAGER, url))


def environment(url: str) -> dict[str, str]:
    """Return the environment of a command that should talk to the cloud at *url*."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "HEADRACE_"))}
    path = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{kept.get('PATH', '')}"
    return kept | CREDENTIALS | {"AWS_ENDPOINT_URL": url, "PATH": path}
