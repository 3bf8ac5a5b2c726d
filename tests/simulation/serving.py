"""What must hold of predictions: who may answer, who must, and that what is on record is what was answered."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from chalicelib.inference.naming import endpoint_name
from chalicelib.inference.tally import Tally

from shared.codec import Row
from tests.fakes import Key
from tests.simulation.adapters import STAGE
from tests.simulation.callers import Callers, Prediction, Told
from tests.simulation.clock import START
from tests.simulation.neighbours import Neighbours

# How old the row may be that a router goes by: promised, and therefore not read from its code.
STALE_S = 2.0


class Serving:
    """Watches the release rows, and judges every prediction by what they said at its time."""

    def __init__(self, around: Neighbours, callers: Callers) -> None:
        self.answered: list[Prediction] = []
        self._around = around
        self._callers = callers
        self._rows: dict[str, list[tuple[float, Row]]] = {}
        self._rolled_back: dict[tuple[str, str], float] = {}
        around.releases.watchers.append(self._on_release)

    def _on_release(self, key: Key, _: Row, row: Row) -> None:
        pipeline, entry = key
        if entry == "current":
            self._rows.setdefault(pipeline, []).append((self._around.scheduler.now, row))
            for version in filter(None, (row.get("live"), row.get("candidate"))):
                self._rolled_back.pop((pipeline, version), None)
        elif entry.startswith("history#") and row["outcome"] == "ROLLED_BACK":
            gone = row.get("candidate") or row.get("from_version")
            self._rolled_back[pipeline, str(gone)] = self._around.scheduler.now

    def judge(self, prediction: Prediction) -> Iterator[str]:
        """Yield what is wrong with one request that ended."""
        rows = self.said(prediction.pipeline, prediction.began - STALE_S, prediction.ended)
        if prediction.version is None:
            yield from self._failed(prediction, rows)
            return
        self.answered.append(prediction)
        may = {row.get("live") for row in rows}
        may |= {row.get("candidate") for row in rows if row.get("mode") == "canary" and row.get("weight")}
        if prediction.version in may:
            return
        said = f"{prediction.pipeline} was answered by {prediction.version} ({prediction.request_id})"
        back = self._rolled_back.get((prediction.pipeline, prediction.version))
        if back is not None:
            yield f"{said}, {prediction.began - back:.1f} s after it was rolled back"
        else:
            yield f"{said}, and the row named {sorted(map(str, may))}"

    def _failed(self, prediction: Prediction, rows: list[Row]) -> Iterator[str]:
        """Yield what is wrong with a request that nobody answered.

        It may fail by a call that failed to the end, if that was live's (the row of its model, then its endpoint) or one
        before any model was asked; or where nothing was live at some time of it.
        """
        live = {row.get("live") for row in rows}
        endpoints = {endpoint_name(STAGE, prediction.pipeline, version) for version in live if version}
        is_call = prediction.error.endswith(": no answer")
        # A candidate's row that cannot be read leaves live to be asked: the error is never that of its row.
        is_row = prediction.error.startswith("Unavailable: models.get")
        if is_call and (is_row or not prediction.asked or prediction.asked[-1] in endpoints):
            return
        made = self._around.endpoints.made
        is_there = all(name in made and made[name].status == "InService" for name in endpoints)
        if None not in live and is_there:
            yield f"{prediction.pipeline} did not answer {prediction.request_id}: {prediction.error}"

    def said(self, pipeline: str, since: float, until: float) -> list[Row]:
        """Return the rows that held at some time from *since* to *until*; an empty one for none."""
        found: list[Row] = []
        for at, row in reversed(self._rows.get(pipeline, [])):
            if at <= until:
                found.append(row)
            if at < since:
                return found
        return [*found, {}]

    def check_at_the_end(self) -> Iterator[str]:
        """Yield where the record is not what was answered."""
        yield from self._in_the_history()
        yield from self._on_record()
        yield from self._labelled()
        yield from self._counted_once()

    def _in_the_history(self) -> Iterator[str]:
        told: dict[str, set[str]] = {}
        for (pipeline, entry), row in self._around.releases.rows.items():
            if entry.startswith("history#"):
                told.setdefault(pipeline, set()).update(
                    (str(row.get("to_version")), str(row.get("candidate")))
                )
        answered = {(one.pipeline, one.version) for one in self.answered}
        for pipeline, version in sorted(answered, key=str):
            if version not in told.get(pipeline, ()):
                yield f"{pipeline} was answered by {version}, of which its history tells nothing"

    def _on_record(self) -> Iterator[str]:
        for one in self.answered:
            row = self._row(one.request_id, 0)
            if row.get("model_version") != one.version:
                found = row.get("model_version", "nobody")
                yield f"{one.request_id} was answered by {one.version}, and {found} is on record"

    def _row(self, request_id: str, chunk: int) -> Row:
        rows = self._around.predictions.query(request_id, between=(chunk, chunk)).rows
        return rows[0] if rows else {}

    def _labelled(self) -> Iterator[str]:
        for label in self._newest():
            request_id = label.prediction_id.rpartition("-")[0]
            row = self._row(request_id, -1)
            if row.get("value") != label.value or not row.get("counted"):
                stands = {name: row.get(name) for name in ("value", "counted")}
                yield f"the label of {label.prediction_id} is {label.value}, on record is {stands}"

    def _newest(self) -> list[Told]:
        newest: dict[str, Told] = {}
        for label in sorted(self._callers.told, key=lambda label: label.place):
            newest[label.prediction_id] = label
        return list(newest.values())

    def _counted_once(self) -> Iterator[str]:
        """Yield the versions whose sums are not those of the log, though lines come twice."""
        counts = self._counts()
        sums = {pipeline: self._sums(pipeline) for pipeline in dict.fromkeys(key[0] for key in counts)}
        for (pipeline, version, what), count in counts.items():
            counted = getattr(sums[pipeline].get(version, Tally()), what)
            if counted != count:
                yield f"{pipeline} {version} has {count} {what}, counted are {counted}"

    def _counts(self) -> Counter[tuple[str, str, str]]:
        """Return requests, labels and right answers by pipeline and version, from the lines and what was told."""
        counts: Counter[tuple[str, str, str]] = Counter()
        lines = self._callers.log.lines
        for line in {(line.request_id, line.model_version, line.outcome): line for line in lines}.values():
            counts[line.pipeline, line.model_version, "requests"] += 1
        version_of = {line.request_id: line.model_version for line in lines if line.outcome == "ok"}
        for label in self._newest():
            version = version_of[label.prediction_id.rpartition("-")[0]]
            counts[label.pipeline, version, "labelled"] += 1
            counts[label.pipeline, version, "correct"] += label.value
        return counts

    def _sums(self, pipeline: str) -> dict[str, Tally]:
        windows, hour = self._callers.windows, timedelta(hours=1)
        return windows.tallies(
            pipeline, START - hour, START + timedelta(seconds=self._around.scheduler.now) + hour
        )
