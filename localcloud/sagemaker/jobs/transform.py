"""Transform jobs: what is theirs alone in the control plane."""

from typing import Any, Final

from localcloud.sagemaker.jobs import transform_records
from localcloud.sagemaker.jobs.operations import JobType
from localcloud.sagemaker.jobs.transform_run import transform
from localcloud.sagemaker.store import MODEL, TRANSFORM_JOB, Row, Scope, Store


def _look_up(store: Store, scope: Scope, request: Row) -> dict[str, Any]:
    """Return the model as it is now, and its role: the job acts as the model does."""
    model = store.get(MODEL, scope, request["ModelName"])
    return {"_Model": model, "_RoleArn": model["ExecutionRoleArn"]}


TRANSFORM: Final = JobType(
    kind=TRANSFORM_JOB,
    check=transform_records.check_local_limits,
    first_members=lambda _: {"TransformJobStatus": "InProgress"},
    resources=lambda row: dict(row["TransformResources"]),
    quota=lambda settings: settings.transform_instances,
    usage=lambda _: "transform job",
    story=transform,
    look_up=_look_up,
)
