"""Deploy one Chalice app with Chalice's own deployer: `python -m infra.chalice_app FOLDER STAGE SERVICE`.

A process of its own for each service: Chalice imports the app as the module `app` and reads AWS_* variables,
so three of them share neither an interpreter nor an environment.
"""

import io
import os
import sys
from pathlib import Path

from infra.errors import ChaliceFailed, DeployError
from infra.packaging import check_size

# Chalice leaves what it cannot build for Lambda out of the zip, says so in one line, and goes on.
_LEFT_OUT = "Could not install dependencies"


def deploy_app(folder: Path, stage: str, service: str) -> None:
    """Package, check and deploy the app in *folder*; Chalice records the result in `.chalice/deployed`.

    Raises
    ------
    PackageTooLarge, ChaliceFailed
    """
    from chalice.cli.factory import CLIFactory
    from chalice.utils import UI

    # Without os.environ itself the app would be imported without the stage's variables.
    factory = CLIFactory(str(folder), environ=os.environ)
    config = factory.create_config_obj(stage)
    check_size(package(folder, config.lambda_python_version), service)
    deployer = factory.create_default_deployer(factory.create_botocore_session(), config, UI())
    deployer.deploy(config, chalice_stage_name=stage)


def package(folder: Path, python_version: str) -> Path:
    """Build the zip, or find it built; the deployer will look for the same file and take it."""
    from chalice.deploy.packager import DependencyBuilder, LambdaDeploymentPackager, PipRunner, SubprocessPip
    from chalice.utils import UI, OSUtils

    told = io.StringIO()
    osutils = OSUtils()
    pip = PipRunner(pip=SubprocessPip(osutils=osutils), osutils=osutils)
    builder = DependencyBuilder(osutils=osutils, pip_runner=pip)
    packager = LambdaDeploymentPackager(osutils, builder, UI(out=told, err=told))
    package = Path(packager.create_deployment_package(str(folder), python_version))
    if _LEFT_OUT in told.getvalue():
        package.unlink()
        raise ChaliceFailed(f"requirements.txt: not all of it can run on Lambda. {told.getvalue().strip()}")
    return package


def main(arguments: list[str]) -> str | None:
    """Deploy, and return the line that says why it failed, None where it did not."""
    from botocore.exceptions import BotoCoreError, ClientError
    from chalice.deploy.deployer import ChaliceDeploymentError

    try:
        deploy_app(Path(arguments[0]), arguments[1], arguments[2])
    except DeployError as error:
        return f"{type(error).__name__}: {error}"
    except ChaliceDeploymentError as error:
        # Its own text wraps the error of AWS into a paragraph for a terminal.
        return _told(error.original_error)
    except (BotoCoreError, ClientError) as error:
        return _told(error)
    return None


def _told(error: Exception) -> str:
    told = " ".join(str(error).split()).removesuffix(".")
    return f"{told}. What to do: deploy again: it goes on from what is there."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
