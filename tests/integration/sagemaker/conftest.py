"""One server per session; `SAGEMAKER_TEST_URL` runs the same tests against another (`python -m localcloud`)."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.sagemaker.harness import Cloud, Server, new_cloud, write_faults


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("sagemaker")
    server = Server(
        home,
        LOCALCLOUD_SAGEMAKER_FAULTS=str(home / "faults.json"),
        LOCALCLOUD_SAGEMAKER_STOP_GRACE_S="0.5",
        LOCALCLOUD_SAGEMAKER_INVOKE_TIMEOUT_S="4",
    )
    yield server
    if server.process.poll() is None:
        server.stop()


@pytest.fixture(scope="session")
def cloud(request: pytest.FixtureRequest) -> Cloud:
    url = os.environ.get("SAGEMAKER_TEST_URL") or request.getfixturevalue("server").url
    return new_cloud(url)


@pytest.fixture
def faults(server: Server) -> Iterator[Callable[..., None]]:
    """Make faults as given, until the test is over."""

    def make(*wanted: dict[str, Any]) -> None:
        write_faults(server.home / "faults.json", *wanted)

    yield make
    make()
