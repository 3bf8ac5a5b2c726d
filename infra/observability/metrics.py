"""The metrics of a stage by name and dimensions; `${Stage}` stands for the stage, `*` for each value there is."""

from collections.abc import Mapping

import msgspec

SERVICES = ("ingest", "training", "inference")
# What events, schedules and our own calls start. The functions behind the API show in its errors already.
FUNCTIONS: Mapping[str, tuple[str, ...]] = {
    "ingest": ("on_object_created", "on_processing_job_state_change", "reconcile"),
    "training": (
        "on_dataset_version_ready",
        "on_drift_detected",
        "on_pipeline_deleted",
        "on_training_job_state_change",
        "on_model_package_state_change",
        "reconcile",
    ),
    "inference": (
        "on_model_version_approved",
        "on_pipeline_deleted",
        "on_endpoint_state_change",
        "on_transform_job_state_change",
        "monitor",
        "reconcile",
        "shadow",
        "prediction_log",
        "batch",
    ),
}


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One statistic of one metric; percentiles are called `p95`."""

    namespace: str
    name: str
    dimensions: dict[str, str]
    statistic: str
    label: str = ""


def of_queue(service: str) -> Metric:
    """Return how many dead letters lie in a service's queue."""
    return Metric(
        namespace="AWS/SQS",
        name="ApproximateNumberOfMessagesVisible",
        dimensions={"QueueName": f"headrace-${{Stage}}-{service}-dead-letters"},
        statistic="Maximum",
        label=service,
    )


def of_function(name: str, service: str, function: str, statistic: str) -> Metric:
    """Return a metric of Lambda for one function."""
    full = f"headrace-{service}-${{Stage}}" + (f"-{function}" if function else "")
    return Metric(
        namespace="AWS/Lambda",
        name=name,
        dimensions={"FunctionName": full},
        statistic=statistic,
        label=f"{service} {function}".strip(),
    )


def of_api(name: str, service: str, statistic: str) -> Metric:
    """Return a metric of API Gateway for a service's API."""
    # Chalice names the API alike on every stage; `harden` gives it the stage's name, or stages would share metrics.
    dimensions = {"ApiName": f"headrace-{service}-${{Stage}}", "Stage": "api"}
    return Metric(
        namespace="AWS/ApiGateway", name=name, dimensions=dimensions, statistic=statistic, label=service
    )


def of_service(name: str, service: str, statistic: str = "Sum") -> Metric:
    """Return one of our own metrics for a whole service."""
    dimensions = {"stage": "${Stage}", "service": service}
    return Metric(
        namespace="Headrace", name=name, dimensions=dimensions, statistic=statistic, label=f"{name} {service}"
    )


def of_pipelines(name: str, service: str, statistic: str = "Sum", **more: str) -> Metric:
    """Return one of our own metrics for each pipeline."""
    dimensions = {"stage": "${Stage}", "service": service, "pipeline": "*", **more}
    return Metric(namespace="Headrace", name=name, dimensions=dimensions, statistic=statistic, label=name)
