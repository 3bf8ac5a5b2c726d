"""What must hold of the monitor: who is live is looked at in time, judged by the log, told of, and trained once for."""

import math
from collections.abc import Callable, Iterator
from datetime import datetime

import msgspec
from chalicelib.inference.log_lines import LogLine

from shared.codec import Row
from shared.entities.pipeline import seconds
from shared.entities.training import JobPurpose
from tests.fakes import Key
from tests.simulation.callers import Callers
from tests.simulation.neighbours import Neighbours
from tests.simulation.people import REST
from tests.simulation.services import MONITOR

# All of it promised, and therefore not read from the code.
_ENOUGH_ROWS, _ALARM_ABOVE, _Z90 = 200, 1.1, 1.645
_LONGER_S = (86_400, 7 * 86_400, 30 * 86_400)
_SLOT_S = 300
_IN_TIME_S = 180  # a tick comes each minute, and clocks differ


class MonitorPromises:
    """Watches the looks at each pipeline, the events and the jobs that follow; *broken* hears of each broken promise."""

    def __init__(self, around: Neighbours, callers: Callers, broken: Callable[[str], None]) -> None:
        self._around = around
        self._callers = callers
        self._broken = broken
        self._noted: dict[str, float] = {}
        self._told: set[tuple[str, str]] = set()
        self._trained: dict[tuple[str, str], str] = {}
        around.releases.watchers.append(self._on_row)
        around.jobs.watchers.append(self._on_job)
        around.bus.watchers.append(self._on_event)

    def _on_event(self, detail_type: str, detail: dict[str, Row]) -> None:
        process = self._around.scheduler.current
        if detail_type == "DriftDetected" and process:
            self._told.add((process.name, str(detail["data"]["pipeline"])))

    def _on_row(self, key: Key, before: Row, row: Row) -> None:
        """See that a look comes after the time the pipeline wants, and that an alarm was told before it is noted."""
        pipeline, entry = key
        process = self._around.scheduler.current
        if entry != "monitor" or process is None:
            return
        if row.get("alarm_since") and (process.name, pipeline) not in self._told:
            self._broken(f"the alarm of {pipeline} {row['version']} was noted, and not told")
        # One that began before the other was noted could not know of it: the minute may come twice.
        is_after = process.ends_at - MONITOR.timeout_s > self._noted.get(pipeline, math.inf)
        if is_after and before.get("version") == row["version"]:
            gap_s = (_time(row["checked_at"]) - _time(before["checked_at"])).total_seconds()
            if gap_s < self._every_s(pipeline):
                self._broken(f"{pipeline} {row['version']} was looked at again after {gap_s:.0f} s")
        self._noted[pipeline] = self._around.scheduler.now

    def _on_job(self, key: Key, before: Row, row: Row) -> None:
        """See that a drift trains no data that was trained on."""
        if before or row.get("purpose") != JobPurpose.TRAIN:
            return
        process, data = self._around.scheduler.current, (row["pipeline"], row["dataset_version"])
        is_asked = process is not None and process.name.startswith(f"{REST.name}-")
        if not is_asked and self._trains_on(row["pipeline"]) == ["drift"] and data in self._trained:
            self._broken(f"the drift of {row['pipeline']} has {data[1]} trained again, by {key[0]}")
        self._trained[data] = key[0]

    def check_at_the_end(self) -> Iterator[str]:
        """Yield who is not looked at, is judged otherwise than the log says, or has drifted and is not trained."""
        now = self._around.clock()
        for pipeline, live in self._live():
            look = self._around.releases.rows.get((pipeline, "monitor"), {})
            if look.get("version") != live:
                yield f"{pipeline} {live} is live, looked at was {look.get('version')}"
                continue
            at = _time(look["checked_at"])
            if (now - at).total_seconds() > self._every_s(pipeline) + _IN_TIME_S:
                yield f"{pipeline} {live} was last looked at at {at}"
            is_alarm, why = self._judged(pipeline, live, at)
            if bool(look.get("alarm_since")) != is_alarm:
                yield f"{pipeline} {live} has an alarm {look.get('alarm_since')} ({look['because']}): {why}"
            if is_alarm and "drift" in self._trains_on(pipeline):
                yield from self._untrained(pipeline)

    def _live(self) -> Iterator[tuple[str, str]]:
        for (pipeline, entry), row in self._around.releases.rows.items():
            if entry == "current" and row.get("live"):
                yield pipeline, row["live"]

    def _judged(self, pipeline: str, version: str, at: datetime) -> tuple[bool, str]:
        """Return whether the lines of the log are an alarm, over the first window with rows enough, and why."""
        losses: list[float] = []
        for window_s in (self._every_s(pipeline), *_LONGER_S):
            since = (at.timestamp() - window_s) // _SLOT_S * _SLOT_S
            lines = self._lines(pipeline, version, since, (at.timestamp() // _SLOT_S + 1) * _SLOT_S)
            losses = [loss for line in lines for loss in _expected(line)]
            if len(losses) >= _ENOUGH_ROWS:
                break
        promised = self._around.models.rows[pipeline, version]["metrics"]["log_loss"]
        if len(losses) < _ENOUGH_ROWS:
            return False, f"{len(losses)} rows"
        mean = sum(losses) / len(losses)
        variance = sum((loss - mean) ** 2 for loss in losses) / len(losses)
        at_least = mean - _Z90 * math.sqrt(variance / len(losses))
        return (
            at_least > _ALARM_ABOVE * promised,
            f"{at_least:.3f} of {len(losses)} rows, {promised} promised",
        )

    def _lines(self, pipeline: str, version: str, since_s: float, until_s: float) -> list[LogLine]:
        found = (self._callers.log.lines_of.get((pipeline, version)) or {}).values()
        return [line for line in found if since_s <= _time(line.at).timestamp() < until_s]

    def _untrained(self, pipeline: str) -> Iterator[str]:
        ready = [
            row
            for row in self._around.datasets.query(pipeline).rows
            if row.get("state") == "READY" and not row.get("duplicate_of")
        ]
        newest = max(ready, key=lambda row: row["ordinal"])["version"]
        if (f"#dataset#{pipeline}#{newest}",) not in self._around.jobs.rows:
            yield f"{pipeline} has drifted, and {newest} was never trained"

    def _trains_on(self, pipeline: str) -> list[str]:
        retrain = self._around.definition(pipeline).get("retrain")
        return list(retrain["on"]) if retrain else []

    def _every_s(self, pipeline: str) -> int:
        monitor = self._around.definition(pipeline).get("monitor")
        return seconds(monitor["every"]) if monitor else 0


def _expected(line: LogLine) -> Iterator[float]:
    """Yield the entropy of each answer's scores: the log loss that it expects."""
    for answer in line.content.predictions if line.content else ():
        yield -sum(share * math.log(share) for share in (answer.scores or {}).values())


def _time(text: str) -> datetime:
    return msgspec.convert(text, datetime)
