"""A model version as SageMaker's model registry has it: the group's name, the package, its approval status."""

import hashlib
from typing import Any

import msgspec

from shared.entities.training import ModelState, ModelVersion

# Where a package says what it mirrors; a person's change of its status leaves these as they are.
PIPELINE, VERSION, MANIFEST, STATUS, STATE = (
    f"headrace_{name}" for name in ("pipeline", "version", "manifest_sha256", "status", "state")
)
OURS = "Headrace: "
_APPROVAL = {ModelState.APPROVED: "Approved", ModelState.REJECTED: "Rejected"}
_MOST_CHARACTERS = 1024  # of a description, in SageMaker's API
_CONTENT_TYPES = ["application/json", "text/csv"]


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """What SageMaker says of a model package.

    ``written`` is the status we gave it last, ``state`` the version's state that it stood for; ``who`` changed it last.
    """

    arn: str
    pipeline: str
    version: str
    status: str
    written: str
    state: str
    description: str = ""
    who: str = ""

    @property
    def was_changed(self) -> bool:
        """Say whether somebody else than Headrace set its status: we write status and note in one call."""
        return self.status != self.written


def group_name(stage: str, pipeline: str) -> str:
    """Return the name of a pipeline's group: at most 60 of the 63 characters that SageMaker takes."""
    return f"headrace-{stage}-{pipeline}"


def status_of(model: ModelVersion) -> str:
    """Return the approval status that the version's state is in SageMaker."""
    return _APPROVAL.get(model.state, "PendingManualApproval")


def package_request(stage: str, model: ModelVersion) -> dict[str, Any]:
    """Return the CreateModelPackage request of a decided version; sent twice it makes one package."""
    folder = model.artifact_uri.rpartition("/")[0]
    return {
        "ModelPackageGroupName": group_name(stage, model.pipeline),
        "ModelPackageDescription": f"{model.pipeline} {model.version}, {model.task}, by job {model.job_id}",
        "InferenceSpecification": {
            "Containers": [
                {
                    "Image": model.image_uri,
                    "ModelDataUrl": model.artifact_uri,
                    # So that who deploys the package by hand gets the recipe's own answers.
                    "Environment": {
                        "SAGEMAKER_PROGRAM": "inference.py",
                        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
                    },
                }
            ],
            "SupportedContentTypes": _CONTENT_TYPES,
            "SupportedResponseMIMETypes": _CONTENT_TYPES,
        },
        "ModelMetrics": {
            "ModelQuality": {
                "Statistics": {"ContentType": "application/json", "S3Uri": f"{folder}/evaluation.json"}
            }
        },
        "ModelApprovalStatus": status_of(model),
        "CustomerMetadataProperties": {
            PIPELINE: model.pipeline,
            VERSION: model.version,
            MANIFEST: model.manifest_sha256,
            STATUS: status_of(model),
            STATE: str(model.state),
        },
        # With the package before, if that was deleted: its token would only name it again.
        "ClientToken": hashlib.sha256(
            f"{model.pipeline} {model.version} {model.manifest_sha256} {model.package_arn}".encode()
        ).hexdigest()[:36],
    }


def is_behind(package: Package, model: ModelVersion) -> bool:
    """Say whether the package tells of another state than the version's."""
    return {package.status, package.written} != {status_of(model)} or package.state != model.state


def update_request(package: Package, model: ModelVersion) -> dict[str, Any]:
    """Return the UpdateModelPackage request that brings the package to the version's state."""
    status = status_of(model)
    request: dict[str, Any] = {
        "ModelPackageArn": package.arn,
        "ModelApprovalStatus": status,
        "CustomerMetadataProperties": {STATUS: status, STATE: str(model.state)},
    }
    # A person's words stay where their decision does.
    if package.status != status:
        reasons = "; ".join(model.reasons) or f"the version is {model.state}"
        request["ApprovalDescription"] = f"{OURS}{reasons}"[:_MOST_CHARACTERS]
    return request
