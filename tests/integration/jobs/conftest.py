"""A SageMaker that runs jobs, with the door for tests open, for the training service's own workflows."""

from collections.abc import Iterator

import pytest

from tests.integration.jobs.live_world import DATA, MODELS, STAGE_ROLE, LiveCloud
from tests.integration.sagemaker.harness import Cloud, Server


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCloud]:
    """A server, its clients and the file that asks it for faults."""
    home = tmp_path_factory.mktemp("jobs")
    faults = home / "faults.json"
    server = Server(home, LOCALCLOUD_SAGEMAKER_STOP_GRACE_S="0.5", LOCALCLOUD_SAGEMAKER_FAULTS=str(faults))
    cloud = Cloud(server.url)
    for bucket in (DATA, MODELS):
        cloud.s3.create_bucket(Bucket=bucket)
    cloud.create_role(STAGE_ROLE, [{"Effect": "Allow", "Action": ["s3:*", "logs:*"], "Resource": "*"}])
    yield LiveCloud(cloud=cloud, faults=faults)
    server.stop()
