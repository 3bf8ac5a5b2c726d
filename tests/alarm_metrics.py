"""Whether a line that a service writes is one that an alarm of the stage reads: the same name, the same dimensions."""

from infra.observability.alarms import alarms
from localcloud.cloudwatch import emf


def reaches(alarm: str, out: str, *, stage: str) -> bool:
    """Say whether *out* carries the metric of the alarm of that name, as CloudWatch would read it."""
    wanted = {
        (one.metric.namespace, one.metric.name, _of_stage(one.metric.dimensions, stage))
        for one in alarms()
        if one.name == alarm
    }
    found = {
        (datum.namespace, datum.name, tuple(sorted(datum.dimensions.items())))
        for line in out.splitlines()
        for datum in emf.read(line)
    }
    return bool(wanted & found)


def _of_stage(dimensions: dict[str, str], stage: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value.replace("${Stage}", stage)) for name, value in dimensions.items()))
