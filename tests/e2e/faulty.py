"""Uploads while the bus duplicates, delays, loses and fails, and workers are killed: what came of each, counted."""

import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from boto3.dynamodb.types import TypeDeserializer

from localcloud.delivery_faults import Plan
from tests.e2e.conftest import Pipelines
from tests.e2e.data import TICK
from tests.stage import Stage, eventually

SEED = 20_261_127
# S3 tells of an object again only after two minutes (MIN_AGE of the reconciler): `make proof` loses those too.
LOSSY = ("headrace.", "aws.sagemaker")
FAULTS = Plan(
    seed=SEED, lose_from=LOSSY, duplicate=0.2, lose=0.1, delay=0.3, fail_before=0.05, fail_after=0.05
)
RECONCILERS = ("headrace-ingest-local-reconcile", "headrace-training-local-reconcile")
AT_REST = {"READY", "REJECTED", "FAILED", "SUPERSEDED"}
ENDED = {"SUCCEEDED", "DEAD", "STOPPED"}
_read = TypeDeserializer().deserialize
Row = dict[str, Any]


@contextmanager
def faults(stage: Stage, plan: Plan) -> Iterator[None]:
    """Open the door of the bus for a block."""
    half = stage.faults.with_suffix(".part")
    half.write_bytes(msgspec.json.encode(plan))
    half.replace(stage.faults)
    try:
        yield
    finally:
        stage.faults.unlink()


@contextmanager
def killer(stage: Stage, seed: int, *, every_s: float, most: int) -> Iterator[list[str]]:
    """Kill a worker of a Lambda function with SIGKILL now and then; yields the names of those that died.

    No more than *most*: on a busy machine every run would die before its end.
    """
    draw, done = random.Random(seed), threading.Event()
    killed: list[str] = []

    def kill() -> None:
        while len(killed) < most and not done.wait(draw.uniform(0.5, 1.5) * every_s):
            if running := workers(stage):
                pid, name = draw.choice(running)
                os.kill(pid, signal.SIGKILL)
                killed.append(name)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        done.set()
        thread.join()


def workers(stage: Stage) -> list[tuple[int, str]]:
    """Return pid and function of the stage's Lambda workers."""
    mark = f"{stage.root}/.headrace/tmp/ministack-lambda-"
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        except OSError:
            continue
        script = command[-2] if len(command) > 1 else ""
        if script.startswith(mark) and script.endswith("_worker.py"):
            found.append((int(process.name), script.removeprefix(mark).rpartition("-")[0]))
    return sorted(found)


def made_faults(stage: Stage) -> Counter[str]:
    """Return how many faults of each kind the bus has made so far."""
    return Counter(stage.get("/_localcloud/health")["faults_made"])


def told(made: Counter[str], killed: list[str]) -> str:
    """Return in words what was done to a run."""
    return ", ".join([*(f"{count} {kind}" for kind, count in sorted(made.items())), f"{len(killed)} killed"])


class Uploads:
    """The uploads of one run, and the rows that must tell of each exactly once; read past the services."""

    def __init__(self, stage: Stage, pipelines: list[str]) -> None:
        self.stage = stage
        self.pipelines = pipelines
        self.uploaded: list[str] = []
        self._dynamodb = stage.aws("dynamodb")

    def upload(self, pipeline: str, name: str, body: bytes) -> None:
        """Put an object under `incoming/`, and remember it."""
        self.stage.put_object(pipeline, name, body)
        self.uploaded.append(f"incoming/{pipeline}/{name}")

    def rows(self, table: str, pipeline: str, index: str | None = None) -> list[Row]:
        """Return all rows of a pipeline."""
        query = {
            "TableName": f"headrace-local-{table}",
            "KeyConditionExpression": "pipeline = :p",
            "ExpressionAttributeValues": {":p": {"S": pipeline}},
            **({"IndexName": index} if index else {}),
        }
        pages = self._dynamodb.get_paginator("query").paginate(**query)
        return [
            {name: _read(value) for name, value in item.items()} for page in pages for item in page["Items"]
        ]

    def all_rows(self, table: str, index: str | None = None) -> list[Row]:
        """Return the rows of every pipeline of the run."""
        return [row for pipeline in self.pipelines for row in self.rows(table, pipeline, index)]

    def datasets(self) -> list[Row]:
        """Return the dataset versions."""
        return [row for row in self.all_rows("datasets") if "key" in row]

    def jobs(self) -> list[Row]:
        """Return the training jobs."""
        return self.all_rows("jobs", "by-pipeline")

    def tick(self) -> None:
        """Let a minute pass for the reconcilers once nothing else is to do; a run of theirs may be killed too."""
        health = self.stage.get("/_localcloud/health")
        if health["async_queue_depth"] or health["async_running"]:
            return
        for function in RECONCILERS:
            self.stage.aws("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=TICK)

    def unsettled(self) -> Counter[str]:
        """Return what is not at its end yet, by state; nothing once all is."""
        datasets, jobs = self.datasets(), self.jobs()
        states = [row["state"] for row in datasets if row["state"] not in AT_REST]
        states += [row["state"] for row in jobs if row["state"] not in ENDED]
        states += ["untold" for row in datasets + jobs if row.get("attention")]
        states += ["unseen"] * (len(self.uploaded) - len(datasets))
        states += ["untrained"] * len(self.untrained(datasets, jobs))
        return Counter(states)

    def untrained(self, datasets: list[Row], jobs: list[Row]) -> set[str]:
        """Return the READY versions that no job with a model has learnt from."""
        ready = {row["version"] for row in datasets if row["state"] == "READY"}
        return ready - {
            version for job in jobs if job["state"] == "SUCCEEDED" for version in job["dataset_versions"]
        }

    def settle(self, within_s: float) -> None:
        """Wait until every upload is at its end, with a tick of the reconcilers whenever all is quiet."""

        def probe() -> bool:
            if not self.unsettled():
                return True
            self.tick()
            return False

        try:
            eventually(probe, within_s=within_s, every_s=2)
        except AssertionError as error:
            raise AssertionError(f"not at rest after {within_s} s: {self.unsettled()}") from error

    def trainings(self) -> Counter[str]:
        """Return how often SageMaker completed each job of the run, over all attempts."""
        sagemaker, ours = self.stage.aws("sagemaker"), {row["job_id"] for row in self.jobs()}
        names = [
            job["TrainingJobName"]
            for page in sagemaker.get_paginator("list_training_jobs").paginate(
                StatusEquals="Completed", NameContains="headrace-local-"
            )
            for job in page["TrainingJobSummaries"]
        ]
        found = Counter(name.split("-")[2] for name in names)
        return Counter({job_id: count for job_id, count in found.items() if job_id in ours})


def constant_pipelines(pipelines: Pipelines, recipe: str, *names: str, quiet: str = "0s") -> list[str]:
    """Create pipelines whose models wait for a person, so that nothing is served."""
    release, train = {"approval": "person"}, {"quiet": quiet}
    return [
        pipelines.create(name, model={"recipe": recipe}, gate=[], release=release, train=train)
        for name in names
    ]


def assert_nothing_lost_nothing_double(run: Uploads) -> None:
    """Hold the rows against the uploads, and SageMaker's jobs against the rows."""
    datasets, jobs, models = run.datasets(), run.jobs(), run.all_rows("models")
    assert sorted(row["key"] for row in datasets) == sorted(run.uploaded)
    assert Counter(row["state"] for row in datasets) == {"READY": len(run.uploaded)}
    ordinals = Counter((row["pipeline"], row["ordinal"]) for row in datasets)
    assert set(ordinals.values()) == {1}
    assert run.untrained(datasets, jobs) == set()
    assert [job["reason"] for job in jobs if job["state"] == "DEAD"] == []
    succeeded = {job["job_id"] for job in jobs if job["state"] == "SUCCEEDED"}
    # A superseded job may have been created and stopped, never completed.
    assert run.trainings() == dict.fromkeys(succeeded, 1)
    versions = [row for row in models if str(row["version"]).startswith("v")]
    assert sorted(row["job_id"] for row in versions) == sorted(succeeded)
    for pipeline in run.pipelines:
        numbers = sorted(int(row["version"][1:]) for row in versions if row["pipeline"] == pipeline)
        assert numbers == list(range(1, len(numbers) + 1))
