"""One metrics line for each attempt to answer: no API call, CloudWatch reads the numbers out of the log."""

from chalicelib.inference.attempts import Attempt

from shared import metrics

# Each role of these is a metric of its own; of the others one for a pipeline is enough to pay for.
_BY_ROLE = ("requests", "latency_ms", "errors")


def measure(stage: str, pipeline: str, request_id: str, attempt: Attempt, *, disagreed: int = 0) -> None:
    """Write the line; *disagreed* is how many of a shadow's rows live answered otherwise."""
    values: dict[str, tuple[float, str]] = {
        "requests": (1, "Count"),
        "rows": (attempt.fitted.count, "Count"),
        "latency_ms": (round(attempt.latency_ms, 3), "Milliseconds"),
        "errors": (int(attempt.has_failed), "Count"),
        "cold_starts": (int(attempt.cold), "Count"),
    }
    if attempt.role == "shadow":
        values["disagreements"] = (disagreed, "Count")
    metrics.emit(
        values,
        dimensions={"stage": stage, "pipeline": pipeline, "service": "inference"},
        details={"role": attempt.role},
        detailed=_BY_ROLE,
        properties={"version": attempt.version, "outcome": attempt.outcome, "request_id": request_id},
    )
