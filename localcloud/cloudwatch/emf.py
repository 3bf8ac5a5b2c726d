"""Embedded Metric Format: the metrics that a line of a log carries.

CloudWatch user guide, "Specification: Embedded metric format". A line that breaks it is only a line: AWS counts it
in a metric of its own and stores none.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

# Most lines are no metrics; looking for the member is a hundredth of the cost of parsing them all.
_MARK = '"_aws"'
_MAX_VALUES = 100


class Datum(msgspec.Struct, frozen=True, kw_only=True):
    """One value of one metric."""

    namespace: str
    name: str
    dimensions: dict[str, str]
    value: float
    unit: str = "None"
    at_s: float


class _Metric(msgspec.Struct, frozen=True):
    name: str = msgspec.field(name="Name")
    unit: str = msgspec.field(name="Unit", default="None")


class _Directive(msgspec.Struct, frozen=True):
    namespace: str = msgspec.field(name="Namespace")
    dimensions: list[list[str]] = msgspec.field(name="Dimensions")
    metrics: list[_Metric] = msgspec.field(name="Metrics")


class _Metadata(msgspec.Struct, frozen=True):
    timestamp_ms: int = msgspec.field(name="Timestamp")
    directives: list[_Directive] = msgspec.field(name="CloudWatchMetrics")


def read(line: str) -> list[Datum]:
    """Return the values that *line* carries; none for a line that is not in the format."""
    if _MARK not in line:
        return []
    try:
        # A runtime may put its own words before the JSON.
        members: dict[str, Any] = msgspec.json.decode(line[line.index("{") :])
        metadata = msgspec.convert(members["_aws"], _Metadata)
    except (ValueError, KeyError, TypeError):
        return []
    return [datum for one in metadata.directives for datum in _values(one, members, metadata.timestamp_ms)]


def _values(directive: _Directive, members: Mapping[str, Any], at_ms: int) -> Iterator[Datum]:
    for names in directive.dimensions:
        # A dimension without its member makes the set invalid, not the line.
        if not all(name in members for name in names):
            continue
        dimensions = {name: str(members[name]) for name in names}
        for metric in directive.metrics:
            for value in _numbers(members.get(metric.name)):
                yield Datum(
                    namespace=directive.namespace,
                    name=metric.name,
                    dimensions=dimensions,
                    value=value,
                    unit=metric.unit,
                    at_s=at_ms / 1000,
                )


def _numbers(member: Any) -> list[float]:
    """Return the values of a metric's member: a number, or up to a hundred of them."""
    found = member if isinstance(member, list) else [member]
    return [
        float(value)
        for value in found[:_MAX_VALUES]
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
