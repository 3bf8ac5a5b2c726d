"""boto3's clients, made once per process: for control planes, whose calls are rare and whose requests are large."""

import functools
from typing import Any


class LateClient:
    """A boto3 client that is made when it is first asked: a service may hold one and never pay for it."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __getattr__(self, name: str) -> Any:
        return getattr(_made(self._service), name)


def client(service: str) -> Any:
    """Return the process's one client of *service*."""
    return LateClient(service)


@functools.cache
def _made(service: str) -> Any:
    # Importing boto3 takes some 250 ms of CPU, a client 8 ms and more.
    import boto3
    from botocore.config import Config

    # Lambda kills a handler that waits longer than its own limit: fail sooner and let the event come back.
    config = Config(retries={"max_attempts": 4, "mode": "standard"}, connect_timeout=3, read_timeout=25)
    return boto3.client(service, config=config)
