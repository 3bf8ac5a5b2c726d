"""Each adapter's contract runs against the in-memory fake, moto and the local cloud."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from moto import mock_aws

from tests.clouds import CREDENTIALS, client

CLOUDS = ("fake", "moto", "localcloud")


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
def clients(cloud: str, request: pytest.FixtureRequest) -> Callable[[str], Any]:
    """Clients of the cloud under test; the local cloud starts only when it is asked for."""
    if cloud == "localcloud":
        url = request.getfixturevalue("local_cloud").url
        return lambda service: client(service, url)
    return lambda service: client(service, None)
