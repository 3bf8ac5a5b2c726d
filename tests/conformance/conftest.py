"""The whole local cloud, and the SDKs' programs that talk to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clouds import running_cloud
from tests.conformance.sdk import Sdk
from tests.integration.sagemaker.harness import Cloud, new_cloud
from tests.integration.sagemaker.hosting import configure, model, serve, variant


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


@pytest.fixture(scope="session")
def updated(cloud: Cloud) -> str:
    """Return an endpoint that serves the model `old`, and make configurations that it can be updated to."""
    configure(cloud, "new-config", variant(model(cloud, "new"), VariantName="AllTraffic"))
    allowed = [
        {"Effect": "Allow", "Action": ["s3:*", "logs:*", "cloudwatch:DescribeAlarms"], "Resource": "*"}
    ]
    watcher = model(cloud, "watched", ExecutionRoleArn=cloud.create_role("watcher", allowed))
    configure(cloud, "watched-config", variant(watcher, VariantName="AllTraffic"))
    cloud.create_model("broken-new", "def model_fn(folder): raise RuntimeError('no model')")
    configure(cloud, "broken-config", variant("broken-new", VariantName="AllTraffic"))
    return serve(cloud, "updated", variant(model(cloud, "old"), VariantName="AllTraffic"))
