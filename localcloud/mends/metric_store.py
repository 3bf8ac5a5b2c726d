"""CloudWatch: what is kept of a metric stays small, and its clock can be advanced."""

from typing import Any

from ministack.services import cloudwatch

from localcloud.cloudwatch.clock import CLOCK
from localcloud.cloudwatch.points import Points
from localcloud.mends.patch_points import require
from localcloud.settings import Settings

MEND = "metric_store"


def mend(settings: Settings) -> None:
    """Add the values of a minute up, and thin out what is old.

    AWS: a metric has one point a minute with the distribution of its values, for 15 days (user guide, "Metrics
    retention", "Statistics definitions").
    MiniStack 1.5.33: keeps every value for two weeks and copies all of them into every snapshot; looks through all
    of them at every request for those that are older (read).
    """
    del settings
    require(MEND, cloudwatch, "_metric_bucket", "creating it on first write")
    require(MEND, cloudwatch, "_evict_old_metrics", "TWO_WEEKS_SECONDS")
    require(MEND, cloudwatch, "_point_stats", 'pt.get("Count", 1.0)')
    require(MEND, cloudwatch, "record_metric", '"Timestamp": time.time()')
    require(MEND, cloudwatch, "_metrics")
    cloudwatch._metric_bucket = _bucket
    cloudwatch._evict_old_metrics = lambda: None
    # The module asks its `time` for nothing but time().
    cloudwatch.time = CLOCK


def record(namespace: str, name: str, value: float, unit: str, dimensions: dict[str, str]) -> None:
    """Store one value, as of now."""
    cloudwatch.record_metric(namespace, name, value, unit, dimensions)


def thin() -> None:
    """Thin out every metric of the current account and region; once an hour is often enough."""
    for key in list(cloudwatch._metrics):
        points = _bucket(key)
        points.thin(CLOCK.time())
        if not points:
            del cloudwatch._metrics[key]


def _bucket(key: tuple[str, str, str]) -> Any:
    """Return the points of a metric; those of a restored state are a plain list at first."""
    points = cloudwatch._metrics.get(key)
    if not isinstance(points, Points):
        points = Points(points or ())
        cloudwatch._metrics[key] = points
    return points
