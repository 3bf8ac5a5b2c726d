"""The checkout a stage is deployed from, and what lies where in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from headrace.client.credentials import FOLDER
from headrace.failures import Failure

PORT = 4577
_MARKS = ("ingest_service", "training_service", "inference_service", "infra")


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """Paths inside the checkout."""

    root: Path

    @property
    def home(self) -> Path:
        """State of the local cloud, and the tokens of the stages."""
        return self.root / FOLDER

    @property
    def tools(self) -> Path:
        """The commands of the environment: chalice, aws, headrace."""
        return self.root / ".venv" / "bin"

    @property
    def images(self) -> Path:
        """The environments that stand for SageMaker images."""
        return self.root / ".venv" / "runtimes"

    @property
    def lambda_runtime(self) -> Path:
        """The interpreter that stands for the Lambda runtime."""
        return self.images / "python3.12" / "bin" / "python"

    @property
    def example(self) -> Path:
        """The folder of the flights example."""
        return self.root / "examples" / "flights"


def find_project(folder: Path) -> Project:
    """Return the checkout that holds *folder*, or the one this code is in.

    Raises
    ------
    Failure
        The command was installed alone, without the services.
    """
    for place in (folder, *folder.parents, Path(__file__).resolve().parents[2]):
        if all((place / mark).is_dir() for mark in _MARKS):
            return Project(root=place)
    raise Failure("this is no Headrace checkout: operating a stage needs one; change into its folder")


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """Turn the deliberate errors of deployment and local cloud, and those of AWS, into failures."""
    from botocore.exceptions import BotoCoreError, ClientError

    from infra.errors import DeployError
    from localcloud.errors import LocalCloudError

    try:
        yield
    except (DeployError, LocalCloudError, BotoCoreError, ClientError) as error:
        raise Failure(str(error)) from error
