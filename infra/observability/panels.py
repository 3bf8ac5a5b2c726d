"""What the dashboards show, row by row, as data: CloudWatch's and Grafana's are both drawn from it."""

import msgspec

from infra.observability.metrics import (
    FUNCTIONS,
    SERVICES,
    Metric,
    of_api,
    of_function,
    of_pipelines,
    of_queue,
    of_service,
)


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """One graph; its first word is what it shows, its unit that of Grafana."""

    title: str
    metrics: tuple[Metric, ...]
    unit: str = "short"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Graphs side by side, under a question that they answer."""

    title: str
    panels: tuple[Panel, ...]


def rows() -> tuple[Row, ...]:
    """Return the rows of a stage's dashboard."""
    return (_requests(), _predictions(), _fit(), _events(), _work())


def _requests() -> Row:
    return Row(
        title="Does the API answer?",
        panels=(
            Panel(title="Requests", metrics=_of_apis("Count", "Sum")),
            Panel(title="Faults of ours (5xx)", metrics=_of_apis("5XXError", "Sum")),
            Panel(title="Faults of callers (4xx)", metrics=_of_apis("4XXError", "Sum")),
            Panel(title="Latency, 95 of 100", metrics=_of_apis("Latency", "p95"), unit="ms"),
        ),
    )


def _predictions() -> Row:
    return Row(
        title="How do the models do?",
        panels=(
            Panel(
                title="Requests by pipeline and role",
                metrics=(of_pipelines("requests", "inference", role="*"),),
            ),
            Panel(
                title="Latency of the model, 95 of 100",
                metrics=(of_pipelines("latency_ms", "inference", "p95", role="*"),),
                unit="ms",
            ),
            Panel(title="Faults of the model", metrics=(of_pipelines("errors", "inference", role="*"),)),
            Panel(
                title="Rows predicted and cold starts",
                metrics=(of_pipelines("rows", "inference"), of_pipelines("cold_starts", "inference")),
            ),
        ),
    )


def _fit() -> Row:
    return Row(
        title="Do the models still fit?",
        panels=(
            Panel(
                title="Estimated loss, in times that at release",
                metrics=(of_pipelines("estimated_loss_ratio", "inference", "Maximum"),),
            ),
            Panel(
                title="Drift: largest stability index of an input or the answers",
                metrics=(of_pipelines("drift_psi", "inference", "Maximum"),),
            ),
            Panel(
                title="Rows that a shadow answered otherwise",
                metrics=(of_pipelines("disagreements", "inference"),),
            ),
        ),
    )


def _events() -> Row:
    return Row(
        title="Is anything lost?",
        panels=(
            Panel(title="Dead letters", metrics=tuple(of_queue(service) for service in SERVICES)),
            Panel(
                title="Rounds of the reconcilers",
                metrics=tuple(of_service("ReconcilerTick", service) for service in SERVICES),
            ),
            Panel(title="Failed runs of functions", metrics=_of_functions("Errors", "Sum")),
            Panel(title="Functions throttled", metrics=_of_functions("Throttles", "Sum")),
        ),
    )


def _work() -> Row:
    ended = ("TrainingJobSucceeded", "TrainingJobFailed", "TrainingJobRetried", "StuckJob", "JobWaiting")
    return Row(
        title="What is being made?",
        panels=(
            Panel(
                title="Rows ingested and bad",
                metrics=(of_pipelines("RowsRead", "ingest"), of_pipelines("RowsBad", "ingest")),
            ),
            Panel(
                title="Uploads rejected and failed",
                metrics=(
                    of_pipelines("VersionsRejected", "ingest"),
                    of_pipelines("VersionsFailed", "ingest"),
                ),
            ),
            Panel(title="Training jobs", metrics=tuple(of_service(name, "training") for name in ended)),
            Panel(
                title="Models and releases",
                metrics=(
                    of_service("ModelVersionApproved", "training"),
                    of_service("ModelVersionRejected", "training"),
                    of_service("ReleaseCompleted", "inference"),
                    of_service("ReleaseRolledBack", "inference"),
                ),
            ),
        ),
    )


def _of_apis(name: str, statistic: str) -> tuple[Metric, ...]:
    return tuple(of_api(name, service, statistic) for service in SERVICES)


def _of_functions(name: str, statistic: str) -> tuple[Metric, ...]:
    # The API's own function has no suffix.
    return tuple(
        of_function(name, service, function, statistic)
        for service in SERVICES
        for function in ("", *FUNCTIONS[service])
    )
