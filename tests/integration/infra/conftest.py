import http.client
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from infra import stage as stages
from infra.deploy import Deployment, Step, deploy
from infra.services import folder_of
from infra.stage import Stage
from tests.aws_calls import Noted, noting
from tests.clouds import running_cloud
from tests.integration.infra.mini import make_checkout

REPOSITORY = Path(__file__).resolve().parents[3]


class Deployed(msgspec.Struct, frozen=True, kw_only=True):
    """A stage after its first deployment, and how to deploy it again."""

    stage: Stage
    root: Path
    deployment: Deployment
    first_steps: list[Step]

    def again(self) -> dict[str, Step]:
        """Deploy again and return the steps by name."""
        steps: list[Step] = []
        deploy(self.stage, root=self.root, on_step=steps.append)
        return {step.name: step for step in steps}

    def chalice(self, service: str, *arguments: str) -> None:
        """Run the plain command in the folder of a service; it must succeed."""
        done = subprocess.run(
            [str(Path(sys.executable).with_name("chalice")), *arguments],
            cwd=folder_of(self.root, service),
            env={**os.environ, **self.stage.environment()},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr

    @property
    def outputs(self) -> dict[str, str]:
        return self.deployment.outputs


def get(deployed: Deployed, path: str) -> tuple[int, dict[str, str], bytes]:
    """Ask the stage at its one origin; return status, headers and body."""
    place = urlsplit(deployed.deployment.origin_url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=30)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def small_checkout(folder: Path) -> Path:
    """Write the small checkout into *folder*; recipes that were built before need no package index."""
    root = make_checkout(folder)
    (REPOSITORY / ".headrace" / "recipes").mkdir(parents=True, exist_ok=True)
    (root / ".headrace").mkdir()
    (root / ".headrace" / "recipes").symlink_to(REPOSITORY / ".headrace" / "recipes")
    return root


@pytest.fixture(scope="session")
def noted() -> list[Noted]:
    """Every request of the deployer's own clients to AWS, held to botocore's models as it is made."""
    notes: list[Noted] = []
    # Clients take the hooks of their session over when they are made, and each cloud has clients of its own.
    noting(stages._session().events, notes)
    return notes


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory, noted: list[Noted]) -> Iterator[Deployed]:
    """A small checkout on a local cloud of its own."""
    root = small_checkout(tmp_path_factory.mktemp("checkout"))
    with running_cloud(tmp_path_factory.mktemp("cloud")) as cloud:
        stage = Stage.local(cloud.url)
        steps: list[Step] = []
        deployment = deploy(stage, root=root, on_step=steps.append)
        yield Deployed(stage=stage, root=root, deployment=deployment, first_steps=steps)
