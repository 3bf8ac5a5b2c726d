"""CloudWatch metrics as Embedded Metric Format lines: 2-6 µs each, no API call."""

import functools
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

import msgspec

NAMESPACE = "Headrace"


def emit(
    metrics: Mapping[str, tuple[float, str]],
    *,
    dimensions: Mapping[str, str],
    details: Mapping[str, str] | None = None,
    detailed: Sequence[str] = (),
    properties: Mapping[str, object] | None = None,
    out: TextIO | None = None,
) -> None:
    """Write one EMF line.

    Parameters
    ----------
    metrics
        Name → (value, CloudWatch unit).
    dimensions
        Each distinct value is a metric that is paid for: pipeline and stage, never a version or an id.
    details, detailed
        More dimensions, for the metrics named in *detailed* only, which have all of them: their sums over what the details tell
        apart are CloudWatch's to make, and would be paid for twice.
    properties
        Searchable in the log only; the place for versions and ids.
    """
    # CloudWatch reads the metrics out of the log asynchronously; a PutMetricData would cost 1.4 to 2.2 ms a request.
    units = tuple((name, unit) for name, (_, unit) in metrics.items())
    directives = _directives(units, tuple(dimensions), tuple(details or ()), tuple(detailed))
    line = {
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": directives},
        **dimensions,
        **(details or {}),
        **(properties or {}),
        **{name: value for name, (value, _) in metrics.items()},
    }
    to = out or sys.stdout
    to.write(msgspec.json.encode(line, enc_hook=str).decode() + "\n")
    # Lambda freezes the process after the answer, and a line in the buffer would wait for the next request.
    to.flush()


def tell_alive(stage: str, service: str) -> None:
    """Say that a service's reconciler has done its round; an alarm listens for the silence."""
    emit({"ReconcilerTick": (1, "Count")}, dimensions={"stage": stage, "service": service})


@functools.lru_cache(maxsize=64)
def _directives(
    units: tuple[tuple[str, str], ...],
    dimensions: tuple[str, ...],
    details: tuple[str, ...],
    detailed: tuple[str, ...],
) -> msgspec.Raw:
    """Return what tells CloudWatch which members are metrics: the same for every line of one place in the code."""
    plain = [unit for unit in units if unit[0] not in detailed]
    told_apart = [unit for unit in units if unit[0] in detailed]
    directives = [(plain, dimensions), (told_apart, (*dimensions, *details))]
    found = [_directive(named, by) for named, by in directives if named]
    return msgspec.Raw(msgspec.json.encode(found))


def _directive(units: Iterable[tuple[str, str]], dimensions: Sequence[str]) -> dict[str, Any]:
    return {
        "Namespace": NAMESPACE,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name, "Unit": unit} for name, unit in units],
    }
