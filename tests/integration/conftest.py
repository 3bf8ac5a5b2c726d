"""One local cloud for all integration tests that only need some AWS to talk to."""

from collections.abc import Iterator

import pytest

from localcloud.control import Running
from tests.clouds import running_cloud


@pytest.fixture(scope="session")
def local_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A running local cloud."""
    with running_cloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud
