"""The whole local cloud, and the SDKs' programs that talk to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clouds import running_cloud
from tests.conformance.sdk import Sdk
from tests.integration.sagemaker.harness import Cloud, new_cloud


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield new_cloud(running.url)


@pytest.fixture
def sdk3(cloud: Cloud, tmp_path: Path) -> Sdk:
    return Sdk("sagemaker3", cloud.url, tmp_path)


@pytest.fixture
def sdk2(cloud: Cloud, tmp_path: Path) -> Sdk:
    return Sdk("sagemaker2", cloud.url, tmp_path)
