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


if __name__ == "__main__":
    try:
        deploy_app(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
    except DeployError as error:
        sys.exit(f"{type(error).__name__}: {error}")
