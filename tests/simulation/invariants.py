"""What must hold, whatever goes wrong: some of it at every write, some of it once everything is at rest."""

from collections import Counter
from collections.abc import Callable, Iterator

from chalicelib.inference.naming import served_by
from chalicelib.ingest.keys import Upload
from chalicelib.training.job import AT_REST, sagemaker_name

from shared.codec import Row
from tests.fakes import Key
from tests.simulation.adapters import QUOTA, STAGE
from tests.simulation.batch_promises import BatchPromises
from tests.simulation.batches import BatchUsers
from tests.simulation.callers import Callers, Prediction
from tests.simulation.deletion_promises import DeletionPromises
from tests.simulation.monitor_promises import MonitorPromises
from tests.simulation.neighbours import Neighbours
from tests.simulation.people import People
from tests.simulation.serving import Serving

DATASET_ENDS = ("READY", "REJECTED", "FAILED")
MODEL_ENDS = ("APPROVED", "REJECTED", "PENDING_APPROVAL", "NEEDS_PERSON")


class Invariants:
    """Watches every write; ``broken`` has a sentence for each promise that was broken, and when."""

    def __init__(self, around: Neighbours, people: People, callers: Callers, users: BatchUsers) -> None:
        self.broken: list[str] = []
        self.served: dict[str, list[str | None]] = {}
        self._around = around
        self._people = people
        self._fences: dict[str, int] = {}
        around.datasets.watchers.append(self._on_dataset)
        around.jobs.watchers.append(self._on_job)
        around.releases.watchers.append(self._on_release)
        around.training.watchers.append(self._on_training)
        around.endpoints.watchers.append(self._on_deletion)
        around.training.quality_of = self.quality_of
        self.serving = Serving(around, callers)
        callers.watchers.append(self._on_prediction)
        self.batches = BatchPromises(around, users, self.serving, self._break)
        self.monitor = MonitorPromises(around, callers, self._break)
        self.deletions = DeletionPromises(around, callers, self._break)

    def quality_of(self, pipeline: str, version: str) -> bool:
        """Say whether the training of a model version left what deserves to serve."""
        row = self._around.models.rows[pipeline, version]
        is_good = self._around.training.is_good
        attempts = range(self._around.jobs.rows[row["job_id"],]["attempt"], 0, -1)
        # The attempt that completed: there is one, or "trained twice" says so.
        names = (sagemaker_name(STAGE, row["job_id"], attempt) for attempt in attempts)
        return next(is_good[name] for name in names if name in is_good)

    def _break(self, sentence: str) -> None:
        self.broken.append(f"{self._around.scheduler.now:.3f}: {sentence}")
        self._around.trace.note(self._around.scheduler.now, "INVARIANT", sentence)

    def _on_dataset(self, key: Key, before: Row, row: Row) -> None:
        if before.get("state") in DATASET_ENDS and row.get("state") != before["state"]:
            self._break(f"upload {key} was {before['state']} and became {row.get('state')}")

    def _on_job(self, key: Key, before: Row, row: Row) -> None:
        if before.get("state") == "SUCCEEDED" and row.get("state") != "SUCCEEDED":
            self._break(f"job {key[0]} had succeeded and became {row.get('state')}")

    def _on_prediction(self, prediction: Prediction) -> None:
        for sentence in self.serving.judge(prediction):
            self._break(sentence)

    def _on_training(self, name: str) -> None:
        training = self._around.training
        if training.active > QUOTA:
            self._break(f"{training.active} training jobs are active with {name}, the quota is {QUOTA}")
        job, _, attempt = name.rpartition("-a")
        earlier = training.jobs.get(f"{job}-a{int(attempt) - 1}")
        if earlier and earlier.status in {"InProgress", "Stopping", "Completed"}:
            self._break(f"{name} was created while the attempt before it was {earlier.status}")

    def _on_deletion(self, name: str) -> None:
        served = served_by(STAGE, name)
        row = self._around.releases.rows.get((served[0], "current"), {}) if served else {}
        if served and row.get("live") == served[1] and not row.get("asleep_at"):
            state = self._around.endpoints.made.get(name)
            if state and state.status == "InService":
                self._break(f"the endpoint {name} was deleted while it is live")

    def _on_release(self, key: Key, before: Row, row: Row) -> None:
        pipeline, entry = key
        if entry.startswith("history#"):
            self._on_history(pipeline, before, row)
        elif entry == "current":
            if row["gen"] < before.get("gen", 0):
                self._break(f"{pipeline} went back from generation {before['gen']} to {row['gen']}")
            if row.get("live") != before.get("live"):
                self._on_live(pipeline, row)

    def _on_history(self, pipeline: str, before: Row, row: Row) -> None:
        if before:
            self._break(f"the history of {pipeline} was overwritten at {row['entry']}")
        if row["gen"] < self._fences.get(pipeline, 0):
            self._break(f"{pipeline}: {row['outcome']} of generation {row['gen']} after it was rolled back")
        if row["outcome"] == "ROLLED_BACK":
            self._fences[pipeline] = row["gen"]

    def _on_live(self, pipeline: str, row: Row) -> None:
        version = row.get("live")
        self.served.setdefault(pipeline, []).append(version)
        if version is None:
            # Its pipeline was deleted.
            return
        if not self._passed(pipeline, version):
            self._break(f"{pipeline} {version} serves and has passed no gate")
        state = self._around.endpoints.made.get(f"headrace-{STAGE}-{pipeline}-{version}")
        if state is None or state.status != "InService":
            self._break(
                f"{pipeline} {version} is live and its endpoint is {state.status if state else 'gone'}"
            )

    def _passed(self, pipeline: str, version: str) -> bool:
        """Say whether the version was good enough for its gate, or a person answers for it."""
        row = self._around.models.rows[pipeline, version]
        by_person = any(verdict["clause"] == "person" for verdict in row.get("verdicts", ()))
        return by_person or self.quality_of(pipeline, version)

    def at_rest(self) -> Iterator[str]:
        """Yield what is not at rest yet."""
        around = self._around
        for table in (around.datasets, around.jobs, around.models, around.releases):
            for key, row in table.rows.items():
                if row.get("attention", "person") not in {"person"}:
                    yield f"{table.name} {key} is {row.get('state', row.get('phase'))}, attention {row['attention']}"
        for name, version_id in self._people.uploads:
            if _row_of(around, name, version_id) is None:
                yield f"upload {name} {version_id} has no row"
        for made, job in around.training.jobs.items():
            if job.status in {"InProgress", "Stopping"}:
                yield f"{made} is {job.status}"
        yield from self.batches.at_rest()

    def check_at_the_end(self) -> None:
        """Judge what can only be judged when everything has come to rest."""
        checks: tuple[Callable[[], Iterator[str]], ...] = (
            self.at_rest,
            self._uploads_ended,
            self._processed_one_by_one,
            self._trained_once,
            self._history_is_true,
            self._rollbacks_won,
            self.serving.check_at_the_end,
            self.batches.check_at_the_end,
            self.monitor.check_at_the_end,
            self.deletions.check_at_the_end,
        )
        for check in checks:
            for sentence in check():
                self._break(sentence)

    def _uploads_ended(self) -> Iterator[str]:
        marks = self._around.jobs.rows
        contents: Counter[tuple[str, str]] = Counter()
        for key, version_id in self._people.uploads:
            row = _row_of(self._around, key, version_id) or {}
            if row.get("state") not in DATASET_ENDS:
                yield f"upload {key} {version_id} is {row.get('state')}"
            if row.get("state") != "READY" or row.get("duplicate_of"):
                continue
            contents[row["pipeline"], row["content_sha256"]] += 1
            mark = marks.get((f"#dataset#{row['pipeline']}#{row['version']}",))
            if mark is None and self._asks_by_itself(row["pipeline"]) and not self._was_overtaken(row):
                yield f"{row['pipeline']} d{row['ordinal']} is READY and was never trained"
            elif mark is not None:
                yield from self._trained(mark["trained_by"])
        yield from (f"{content} is READY {n} times" for content, n in contents.items() if n > 1)

    def _asks_by_itself(self, pipeline: str) -> bool:
        if self._around.life(pipeline):
            # What came in one life of the name is not trained in the next.
            return False
        return "new_data" in self._around.definition(pipeline)["retrain"]["on"]

    def _was_overtaken(self, row: Row) -> bool:
        """Say whether newer data of the pipeline is ready: then the lost event of the older is not made up for."""
        return any(
            other.get("state") == "READY"
            and not other.get("duplicate_of")
            and other["ordinal"] > row["ordinal"]
            for other in self._around.datasets.query(row["pipeline"]).rows
        )

    def _trained(self, job_id: str) -> Iterator[str]:
        job = self._around.jobs.rows[job_id,]
        if job["state"] not in AT_REST:
            yield f"job {job_id} is {job['state']}"
        elif successor := job.get("superseded_by"):
            yield from self._trained(successor)
        elif job["state"] == "SUCCEEDED" and job["purpose"] == "train":
            states = self._models_of(job_id)
            if [state in MODEL_ENDS for state in states] != [True]:
                yield f"job {job_id} succeeded and its models are {states}"

    def _models_of(self, job_id: str) -> list[str]:
        """Return the states of the model versions that a job made."""
        pipeline = self._around.jobs.rows[job_id,]["pipeline"]
        rows = self._around.models.query(pipeline).rows
        return [row["state"] for row in rows if row["job_id"] == job_id]

    def _trained_once(self) -> Iterator[str]:
        completed: Counter[str] = Counter()
        started: dict[tuple[str, ...], set[str]] = {}
        for (job_id, *_), job in self._around.jobs.rows.items():
            if "state" not in job:
                continue
            names = [sagemaker_name(STAGE, job_id, n + 1) for n in range(job["attempt"])]
            made = [found for name in names if (found := self._around.training.jobs.get(name))]
            completed[job_id] = sum(each.status == "Completed" for each in made)
            if made and job["purpose"] == "train" and self._asks_by_itself(job["pipeline"]):
                started.setdefault((job["pipeline"], *job["dataset_versions"]), set()).add(job_id)
            if completed[job_id] and job["state"] == "DEAD":
                yield f"job {job_id} is dead ({job['reason']}), though an attempt of it completed"
        yield from (f"job {job_id} completed {n} times" for job_id, n in completed.items() if n > 1)
        yield from (f"{data} was trained by {jobs}" for data, jobs in started.items() if len(jobs) > 1)

    def _processed_one_by_one(self) -> Iterator[str]:
        for name in self._around.processing.doubled:
            yield f"processing job {name} ran beside another of its upload"

    def _history_is_true(self) -> Iterator[str]:
        for pipeline in [key[0] for key in self._around.releases.rows if key[1] == "current"]:
            # In the order of their names, which begin with their time.
            history = self._around.releases.query(pipeline, prefix="history#").rows
            told = [row.get("to_version") for row in history]
            changes = [now for before, now in zip([None, *told], told, strict=False) if now != before]
            if changes != self.served.get(pipeline, []):
                yield f"{pipeline} served {self.served.get(pipeline, [])}, its history says {changes}"

    def _rollbacks_won(self) -> Iterator[str]:
        for asked in self._people.asked:
            refusal = asked.refusal or ""
            # What had nothing to go back to is refused, and a call may fail; nobody else may be preferred.
            if asked.what == "rollback" and "keeps changing" in refusal:
                yield f"a rollback of {asked.pipeline} lost: {refusal}"


def _row_of(around: Neighbours, key: str, version_id: str) -> Row | None:
    upload = Upload(bucket="incoming", key=key, version_id=version_id)
    return around.datasets.rows.get((upload.pipeline, upload.version))
