"""Each adapter's contract runs against the in-memory fake, that of the simulation, moto and the local cloud."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from moto import mock_aws

from shared.objects import Bucket
from tests.clouds import CREDENTIALS, client, s3
from tests.fakes import FakeBucket, FakeClock
from tests.simulation.buckets import SimBucket

CLOUDS = ("fake", "simulation", "moto", "localcloud")
IN_MEMORY = ("fake", "simulation")


@pytest.fixture(params=CLOUDS)
def cloud(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of the cloud under test, with moto active where it is moto's turn."""
    if request.param != "moto":
        yield request.param
        return
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield "moto"


@pytest.fixture
def clients(url: str | None) -> Callable[[str], Any]:
    """boto3's clients of the cloud under test, to set up what the services only find."""
    return lambda service: client(service, url)


@pytest.fixture
def url(cloud: str, request: pytest.FixtureRequest) -> str | None:
    """The address of the cloud under test, None for moto; the local cloud starts only when it is asked for."""
    return request.getfixturevalue("local_cloud").url if cloud == "localcloud" else None


@pytest.fixture
def new_bucket(cloud: str, url: str | None, clients: Callable[[str], Any]) -> Callable[[], Bucket]:
    """Make empty versioned buckets, each under a name of its own."""

    def make() -> Bucket:
        name = f"contract-{uuid.uuid4().hex[:8]}"
        if cloud in IN_MEMORY:
            return FakeBucket(name) if cloud == "fake" else SimBucket(name, FakeClock())
        client = clients("s3")
        client.create_bucket(Bucket=name)
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return Bucket(s3(url), name)

    return make


@pytest.fixture
def bucket(new_bucket: Callable[[], Bucket]) -> Bucket:
    """An empty versioned bucket."""
    return new_bucket()


@pytest.fixture
def strict_bucket(cloud: str, new_bucket: Callable[[], Bucket]) -> Bucket:
    """An empty versioned bucket where uploads in parts are checked as S3 checks them."""
    if cloud == "moto":
        pytest.skip("moto 5.2 keeps no checksums of parts and ignores keys and sizes of uploads")
    return new_bucket()
