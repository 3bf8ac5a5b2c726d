"""Our own client and a server that does to it whatever a test says."""

from collections.abc import Iterator

import pytest

from shared.aws import JsonApi, Service, endpoints
from shared.aws.connections import Connections, Timeouts
from shared.aws.credentials import Credentials
from shared.aws.endpoints import Place, endpoint_of
from shared.aws.json_api import of_dynamodb
from shared.objects import Bucket
from tests.integration.aws.misbehaving import Server, running

KEYS = Credentials(key_id="AKID", secret_key="hidden-key", session_token="hidden-token")


@pytest.fixture
def server() -> Iterator[Server]:
    """A server without a script yet."""
    with running() as server:
        yield server


@pytest.fixture
def waits() -> list[float]:
    """The seconds that were waited between tries; nobody really waits."""
    return []


def service(place: Place, server: Server, waits: list[float]) -> Service:
    """Return a client of *server* that gives up on a silent one after a moment."""
    endpoint = endpoint_of(place, {"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": server.origin})
    connections = Connections(Timeouts(connect_s=1, read_s=0.2))
    return Service(endpoint, connections, who=lambda: KEYS, sleep=waits.append)


@pytest.fixture
def s3(server: Server, waits: list[float]) -> Service:
    """S3, as the server plays it."""
    return service(endpoints.S3, server, waits)


@pytest.fixture
def bucket(s3: Service) -> Bucket:
    """A bucket of that S3."""
    return Bucket(s3, "b")


@pytest.fixture
def dynamodb(server: Server, waits: list[float]) -> JsonApi:
    """DynamoDB, as the server plays it."""
    return of_dynamodb(service(endpoints.DYNAMODB, server, waits))
