"""Adapter: model packages in SageMaker's model registry."""

from collections.abc import Mapping
from typing import Any

from chalicelib.training.package_request import PIPELINE, STATE, STATUS, VERSION, Package

from shared.aws import sagemaker_errors
from shared.errors import InvalidRequest, NotFound

# Of an unknown group or package, in the words of SageMaker's registry.
_ABSENT = "does not exist"
_TAKEN = "already exists"


class ModelPackages:
    """Creates, describes and updates the packages that mirror model versions."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def create(self, request: Mapping[str, Any], tags: Mapping[str, str]) -> str:
        """Send a CreateModelPackage request, making its group with *tags* where there is none; return the ARN."""
        try:
            return self._create(request)
        except (NotFound, InvalidRequest):
            # Each pipeline lacks its group once; whatever else is wrong the second try says.
            self._create_group(request["ModelPackageGroupName"], tags)
            return self._create(request)

    def describe(self, arn: str) -> Package:
        """Return the package; raises NotFound where there is none."""
        with sagemaker_errors(f"describe the model package {arn}", absent=_ABSENT):
            answer = self._client.describe_model_package(ModelPackageName=arn)
        noted = answer.get("CustomerMetadataProperties", {})
        return Package(
            arn=arn,
            pipeline=noted.get(PIPELINE, ""),
            version=noted.get(VERSION, ""),
            status=answer.get("ModelApprovalStatus", ""),
            written=noted.get(STATUS, ""),
            state=noted.get(STATE, ""),
            description=answer.get("ApprovalDescription", ""),
            who=_who(answer.get("LastModifiedBy", {})),
        )

    def update(self, request: Mapping[str, Any]) -> None:
        """Send an UpdateModelPackage request."""
        with sagemaker_errors(f"update {request['ModelPackageArn']}", absent=_ABSENT):
            self._client.update_model_package(**request)

    def _create(self, request: Mapping[str, Any]) -> str:
        with sagemaker_errors("create a model package", absent=_ABSENT):
            return str(self._client.create_model_package(**request)["ModelPackageArn"])

    def _create_group(self, name: str, tags: Mapping[str, str]) -> None:
        try:
            with sagemaker_errors(f"create the model package group {name}", absent=_ABSENT):
                self._client.create_model_package_group(
                    ModelPackageGroupName=name,
                    ModelPackageGroupDescription="Written by Headrace: one package per model version.",
                    Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
                )
        except InvalidRequest as error:
            if _TAKEN not in str(error):
                raise


def _who(context: Mapping[str, Any]) -> str:
    """Return who changed the package last: a Studio user's name, else an IAM ARN, empty where SageMaker says neither."""
    name = context.get("UserProfileName") or context.get("IamIdentity", {}).get("Arn")
    return str(name or "")
