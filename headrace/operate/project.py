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
    """Turn what deployment, local cloud, our own client and AWS end with into failures, one line each."""
    from botocore.exceptions import BotoCoreError, ClientError

    from headrace.operate import refusals
    from infra.errors import DeployError
    from localcloud.errors import LocalCloudError
    from shared.errors import HeadraceError

    try:
        yield
    except (DeployError, LocalCloudError) as error:
        raise Failure(refusals.in_one_line(str(error))) from error
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        raise refusals.refusal_of(error.response["Error"]["Code"], status, str(error)) from error
    except BotoCoreError as error:
        raise refusals.failure_of_client(error) from error
    except HeadraceError as error:
        raise refusals.refusal_of_ours(error) from error
