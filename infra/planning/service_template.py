"""Print the CloudFormation (SAM) template that Chalice makes of an app: `python -m infra.planning.service_template FOLDER STAGE SERVICE`.

A process of its own, as for a deployment: Chalice imports the app as the module `app`. No package is built, so it
takes a second and no network.
"""

import os
import sys
from pathlib import Path
from typing import Any

CODE = "deployment.zip"
# The one name that Chalice spells in its own way.
_API = "APIHandler"
_PACKAGERS = {"DeploymentPackager", "ManagedLayerDeploymentPackager"}


def service_template(folder: Path, stage: str) -> dict[str, Any]:
    """Return the template of the app in *folder*, its code named but not packed."""
    from chalice.cli.factory import CLIFactory
    from chalice.deploy.appgraph import ApplicationGraphBuilder, DependencyBuilder
    from chalice.deploy.deployer import BuildStage, create_build_stage
    from chalice.deploy.models import DeploymentPackage
    from chalice.deploy.swagger import CFNSwaggerGenerator
    from chalice.package import ResourceBuilder, SAMTemplateGenerator
    from chalice.utils import UI, OSUtils

    factory = CLIFactory(str(folder), environ=os.environ)
    config = factory.create_config_obj(stage)
    steps = create_build_stage(OSUtils(), UI(), CFNSwaggerGenerator(), config)._steps
    light = BuildStage([step for step in steps if type(step).__name__ not in _PACKAGERS])
    builder = ResourceBuilder(ApplicationGraphBuilder(), DependencyBuilder(), light)
    resources = builder.construct_resources(config, stage)
    for resource in resources:
        package = getattr(resource, "deployment_package", None)
        if isinstance(package, DeploymentPackage):
            package.filename = CODE
    options: Any = _Principals()
    template: dict[str, Any] = SAMTemplateGenerator(config, options).generate(resources)
    _name(template, resources)
    return template


def _name(template: dict[str, Any], resources: list[Any]) -> None:
    """Give functions and roles the names they get from `chalice deploy`: the policies name the log groups by them."""
    from chalice.deploy.models import LambdaFunction, ManagedIAMRole
    from chalice.utils import to_cfn_resource_name

    for resource in resources:
        if not isinstance(resource, LambdaFunction | ManagedIAMRole):
            continue
        logical = (
            _API if resource.resource_name == "api_handler" else to_cfn_resource_name(resource.resource_name)
        )
        made = template["Resources"][logical]["Properties"]
        if isinstance(resource, LambdaFunction):
            made["FunctionName"] = resource.function_name
        else:
            made["RoleName"] = resource.role_name


class _Principals:
    """Stands for Chalice's options, of which the generator asks for nothing else."""

    def service_principal(self, service: str) -> str:
        """Return the name by which a service takes roles; the same in every standard region."""
        return f"{service}.amazonaws.com"


if __name__ == "__main__":
    import json

    print(json.dumps(service_template(Path(sys.argv[1]), sys.argv[2])))
