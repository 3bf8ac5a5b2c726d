"""Names of SageMaker resources: made from what they serve, so that the same work has one name."""

import re

_VERSION = re.compile(r"v[1-9][0-9]{0,8}")
MAX_LENGTH = 63  # of a SageMaker endpoint's name


def stage_prefix(stage: str) -> str:
    """Return what every resource name of *stage* begins with."""
    return f"headrace-{stage}-"


def shadow_function(stage: str) -> str:
    """Return the name of the function that asks shadows; Chalice makes it of app, stage and ``@lambda_function``."""
    return f"headrace-inference-{stage}-shadow"


def batch_function(stage: str) -> str:
    """Return the name of the function that works on batches."""
    return f"headrace-inference-{stage}-batch"


def batch_model_name(stage: str, batch_id: str) -> str:
    """Return the name of the model that a batch's transform jobs ask."""
    return f"{stage_prefix(stage)}batch-{batch_id}"


def transform_name(stage: str, batch_id: str, attempt: int) -> str:
    """Return the one name of a batch's transform job: the same work is never begun twice."""
    return f"{batch_model_name(stage, batch_id)}-a{attempt}"


def endpoint_name(stage: str, pipeline: str, version: str) -> str:
    """Return the one name of a model version's model, endpoint configuration and endpoint."""
    return f"{stage_prefix(stage)}{pipeline}-{version}"


def served_by(stage: str, name: str) -> tuple[str, str] | None:
    """Return pipeline and version of the endpoint *name*, None where the name is not one of ours."""
    if not name.startswith(stage_prefix(stage)):
        return None
    pipeline, _, version = name.removeprefix(stage_prefix(stage)).rpartition("-")
    return (pipeline, version) if pipeline and is_version(version) else None


def is_version(text: str) -> bool:
    """Say whether *text* is spelled as a model version is, such as ``v3``."""
    return _VERSION.fullmatch(text) is not None
