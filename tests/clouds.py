"""A local cloud for tests: started once a session, on a free port, in a folder of its own."""

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from localcloud import control

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


def environment(url: str) -> dict[str, str]:
    """Return the environment of a command that should talk to the cloud at *url*."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "HEADRACE_"))}
    path = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{kept.get('PATH', '')}"
    return kept | CREDENTIALS | {"AWS_ENDPOINT_URL": url, "PATH": path}
