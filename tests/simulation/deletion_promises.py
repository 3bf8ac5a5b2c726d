"""What must hold of deleted pipelines: what was theirs ends in time, and nothing of it comes back under the same name."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import msgspec
from chalicelib.inference.naming import served_by
from chalicelib.inference.states import AUTOMATIC
from chalicelib.training.job import AT_REST

from shared.clock import to_text
from shared.codec import Row
from tests.fakes import Key
from tests.simulation.adapters import STAGE
from tests.simulation.callers import Callers, Prediction
from tests.simulation.neighbours import Neighbours

# Promised are two minutes, which a minute that was lost and a call that failed to its end may each make one longer.
IN_TIME_S = 300.0
CLOCKS_DIFFER = timedelta(seconds=30)


class DeletionPromises:
    """Watches what a name that was deleted still does; *broken* hears of each broken promise."""

    def __init__(self, around: Neighbours, callers: Callers, broken: Callable[[str], None]) -> None:
        self._around = around
        self._broken = broken
        self._deleted: dict[str, list[tuple[float, int]]] = {}
        around.pipelines.watchers.append(self._on_definition)
        around.jobs.watchers.append(self._on_job)
        around.releases.watchers.append(self._on_release)
        around.training.watchers.append(self._on_training)
        callers.watchers.append(self._on_prediction)

    def _on_definition(self, key: Key, _: Row, row: Row) -> None:
        if key[0] == "deleted":
            self._deleted.setdefault(key[1], []).append((self._around.scheduler.now, row["life"]))

    def _is_over(self, row: Row, *, since_s: float = IN_TIME_S) -> bool:
        """Say whether what a row tells of belongs to a pipeline that has been deleted for so long."""
        until = self._around.scheduler.now - since_s
        lives = (life for at, life in self._deleted.get(row["pipeline"], ()) if at <= until)
        return bool(row.get("life", 0) < max(lives, default=0))

    def _on_training(self, name: str) -> None:
        job = self._around.jobs.rows[name.removeprefix(f"headrace-{STAGE}-").rpartition("-a")[0],]
        if self._is_over(job):
            self._broken(f"{name} began, and {job['pipeline']} was deleted long before")

    def _on_job(self, key: Key, before: Row, row: Row) -> None:
        if row.get("state") == "SUCCEEDED" != before.get("state") and self._is_over(row):
            self._broken(
                f"job {key[0]} was trained to its end, and {row['pipeline']} was deleted long before"
            )

    def _on_release(self, key: Key, before: Row, row: Row) -> None:
        """See that by itself a version is released in its own life only, and that no batch of an earlier one is answered."""
        pipeline, entry = key
        if entry.startswith("batch#"):
            if row.get("state") == "SUCCEEDED" != before.get("state") and self._is_over(row):
                self._broken(f"{entry} was answered, and {pipeline} was deleted long before")
        elif entry == "current" and row.get("candidate") not in {None, before.get("candidate")}:
            life = self._around.models.rows[pipeline, row["candidate"]].get("life", 0)
            if life < row.get("life", 0) and row["who"] == AUTOMATIC:
                self._broken(
                    f"{pipeline} {row['candidate']} of life {life} is released in life {row['life']}"
                )

    def _on_prediction(self, prediction: Prediction) -> None:
        release = self._around.releases.rows.get((prediction.pipeline, "current"), {})
        if prediction.version and self._is_over(release):
            self._broken(
                f"{prediction.pipeline} answered {prediction.request_id}, and was deleted long before"
            )

    def check_at_the_end(self) -> Iterator[str]:
        """Yield what is left of a life that is over, and what is missing in the next."""
        for pipeline in self._deleted:
            release = self._around.releases.rows.get((pipeline, "current"), {"pipeline": pipeline})
            if self._is_over(release, since_s=0) and (release.get("live") or release.get("candidate")):
                yield f"{pipeline} was deleted, and {release.get('live')} serves"
            yield from (
                self._untrained(pipeline) if self._around.definition(pipeline) else self._left(pipeline)
            )
        for (job_id, *_), job in self._around.jobs.rows.items():
            if job.get("state", AT_REST[0]) not in AT_REST and self._is_over(job, since_s=0):
                yield f"{job['pipeline']} was deleted, and its job {job_id} is {job['state']}"

    def _left(self, pipeline: str) -> Iterator[str]:
        for name in self._around.endpoints.made:
            served = served_by(STAGE, name)
            if served and served[0] == pipeline:
                yield f"{pipeline} is deleted, and its endpoint {name} is there"

    def _untrained(self, pipeline: str) -> Iterator[str]:
        """Yield the newest data where it came after the pipeline was defined again, and was not trained for it."""
        ready = [row for row in self._around.datasets.query(pipeline).rows if row.get("state") == "READY"]
        newest = max(ready, key=lambda row: row["ordinal"], default=None)
        defined_at = self._around.pipelines.rows["pipeline", pipeline]["created_at"]
        if newest is None or newest.get("duplicate_of") or newest["created_at"] <= _later(defined_at):
            return
        mark = self._around.jobs.rows.get((f"#dataset#{pipeline}#{newest['version']}",), {})
        job = self._around.jobs.rows.get((mark.get("trained_by", ""),), {})
        if job.get("life", 0) != self._around.life(pipeline):
            yield f"{pipeline} was defined again, and of its data {newest['version']} was trained by {job}"


def _later(text: str) -> str:
    """Return a time after which every clock agrees that the other is past."""
    return to_text(msgspec.convert(text, datetime) + CLOCKS_DIFFER)
