"""The way of one dataset version to a live model, told as it happens.

dataset version → training job → gate → release → live. Each part waits for its resource to come to rest,
says what was made and how long it took, and raises the failure that ends the watch when the way ends there.
Times are those of the rows, so that a watch which starts late tells the same story.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from headrace.client.api import Api, Json
from headrace.client.telling import (
    elapsed,
    is_settled,
    job_line,
    label,
    metrics,
    number,
    reason,
    refusals,
    rows,
    seconds_between,
    verdict_line,
)
from headrace.failures import BadData, Failure, GateRefused, Missing
from headrace.progress import Progress, duration

# A local run takes seconds in all; on AWS two reads a second for one person cost next to nothing.
POLL_S = 0.5
_DATASET_AT_REST = frozenset({"READY", "REJECTED", "FAILED", "SUPERSEDED", "ARCHIVED"})
JOB_AT_REST = frozenset({"SUCCEEDED", "DEAD", "STOPPED"})
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What following needs: the API, where to tell, a clock, and when to give up."""

    api: Api
    progress: Progress
    sleep: Callable[[float], None]
    monotonic: Callable[[], float]
    timeout_s: float = 3600.0

    def until(self, look: Callable[[], T | None], what: str) -> T:
        """Call *look* until it returns something.

        Raises
        ------
        Failure
            The time is over; the work itself goes on.
        """
        deadline = self.monotonic() + self.timeout_s
        while (found := look()) is None:
            if self.monotonic() >= deadline:
                waited = duration(self.timeout_s)
                raise Failure(f"{what} did not happen within {waited}; it may still: `headrace watch` again")
            self.sleep(POLL_S)
        return found


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How the way ended: `live`, `superseded`, `duplicate`, `untrained` or `waits-for-person`."""

    outcome: str
    pipeline: str
    dataset_version: str
    job_id: str | None = None
    model_version: str | None = None
    live: str | None = None


def follow(watch: Watch, pipeline: str, version: str) -> Ending:
    """Follow a dataset version, named by its id or alias, to its end.

    Raises
    ------
    BadData
        The dataset version was rejected.
    GateRefused
        The model version was not approved.
    Failure
        The ingest, the training or the release failed, or the time is over.
    """
    dataset = await_dataset(watch, pipeline, version)
    version = dataset["version"]
    if dataset.get("duplicate_of"):
        first = watch.api.find("datasets", pipeline, dataset["duplicate_of"])
        named = label(first) if first else dataset["duplicate_of"]
        watch.progress.note(f"{label(dataset)} has the same bytes as {named}: nothing is trained twice")
        return Ending(outcome="duplicate", pipeline=pipeline, dataset_version=version)
    job = await_job(watch, pipeline, dataset)
    if job is None:
        watch.progress.note(
            f"nothing trains on new data of this pipeline: {label(dataset)} is kept for later"
        )
        return Ending(outcome="untrained", pipeline=pipeline, dataset_version=version)
    model = await_gate(watch, pipeline, job)
    ending = Ending(
        outcome="waits-for-person",
        pipeline=pipeline,
        dataset_version=version,
        job_id=job["job_id"],
        model_version=model["version"],
    )
    if model["state"] == "PENDING_APPROVAL":
        watch.progress.note(f"{model['version']} passed its gate and waits for a person's approval")
        return ending
    return await_release(watch, ending, model)


def find_newest(watch: Watch, pipeline: str) -> str:
    """Return the newest dataset version, waiting for the first one.

    Raises
    ------
    Missing
        There is no version and no such pipeline.
    """

    def look() -> str | None:
        watch.progress.doing(f"waiting for a dataset version of {pipeline}")
        rows = (watch.api.find("datasets", pipeline, limit=20) or {}).get("versions", [])
        if rows:
            return str(max(rows, key=lambda row: row["ordinal"])["version"])
        if watch.api.find("pipelines", pipeline) is None:
            raise Missing(f"no pipeline {pipeline!r}, and nothing was uploaded for it")
        return None

    return watch.until(look, f"a dataset version of {pipeline}")


def find_uploaded(watch: Watch, pipeline: str, key: str, known: Sequence[str]) -> str:
    """Return the dataset version that an upload became; *known* are those that were there before it."""

    def look() -> str | None:
        watch.progress.doing(f"waiting for the dataset version of {key}")
        rows = (watch.api.find("datasets", pipeline, limit=20) or {}).get("versions", [])
        fresh = [row for row in rows if row["key"] == key and row["version"] not in known]
        # The first: an upload that was repeated because its answer got lost is there twice, the second untrained.
        return str(min(fresh, key=lambda row: row["ordinal"])["version"]) if fresh else None

    return watch.until(look, f"the dataset version of {key}")


def await_version(watch: Watch, pipeline: str, version: str) -> str:
    """Wait until the dataset version exists: between an upload's end and it lies an event."""

    def look() -> str | None:
        watch.progress.doing(f"waiting for the dataset version {version}")
        return version if watch.api.find("datasets", pipeline, version) else None

    return watch.until(look, f"the dataset version {version}")


def await_dataset(watch: Watch, pipeline: str, version: str) -> Json:
    """Wait until the version is validated and prepared; tell its rows."""

    def look() -> Json | None:
        row = watch.api.get("datasets", pipeline, version)
        watch.progress.doing(f"validate {label(row)}: {row['state']}")
        return row if row["state"] in _DATASET_AT_REST else None

    row = watch.until(look, "the validation")
    if row["state"] == "REJECTED":
        raise BadData(f"{label(row)} ({row['key']}) was rejected: {reason(row)}")
    if row["state"] == "FAILED":
        raise Failure(f"{label(row)} could not be processed: {reason(row)}")
    watch.progress.done("validate", rows(pipeline, row), elapsed(row, "created_at", "updated_at"))
    if not row.get("duplicate_of"):
        columns = watch.api.get("datasets", pipeline, row["version"], "profile")["columns"]
        watch.progress.done("prepare", f"{len(columns)} columns profiled, rows split to train and to judge")
    return row


def await_job(watch: Watch, pipeline: str, dataset: Json) -> Json | None:
    """Wait until the job that trains on the version is at rest; None when the pipeline starts none by itself."""
    row = watch.api.find("pipelines", pipeline) or {}
    on = row.get("definition", {}).get("retrain", {}).get("on", ["new_data"])
    train = row.get("definition", {}).get("train", {})
    gathers = train.get("quiet", "0s") != "0s" or train.get("at_most", "none") != "none"

    def look() -> Json | None:
        job = _job_of(watch.api, pipeline, dataset["version"], gathers=gathers)
        if job is None:
            watch.progress.doing(f"waiting for the training of {label(dataset)}")
            return None if "new_data" in on else {}
        watch.progress.doing(job_line(job))
        return job if job["state"] in JOB_AT_REST else None

    job = watch.until(look, "the training")
    if not job:
        return None
    if job["state"] != "SUCCEEDED":
        see = f"see `headrace jobs log {job['job_id']}`"
        raise Failure(f"training job {job['job_id']} is {job['state']}: {reason(job)}; {see}")
    return job


def await_gate(watch: Watch, pipeline: str, job: Json) -> Json:
    """Wait until the gate has judged the job's model version; tell metrics and verdicts."""
    version = job["version"]

    def look() -> Json | None:
        model = watch.api.find("models", pipeline, version)
        # Undecided with a reason: it waits for a job that compares it with what has gone live meanwhile.
        waits = "; ".join(model.get("reasons", ())) if model else ""
        watch.progress.doing(f"gate: {waits or f'judging {version}'}")
        return model if model and model["state"] != "REGISTERED" else None

    model = watch.until(look, "the gate's verdict")
    took = elapsed(job, "started_at", "ended_at")
    watch.progress.done("train", f"{version} by job {job['job_id']}: {metrics(model)}", took)
    if model["state"] in {"REJECTED", "NEEDS_PERSON"}:
        raise GateRefused(f"the gate says {model['state']} to {version}: {refusals(model)}")
    for verdict in model.get("verdicts", []):
        watch.progress.done("gate", verdict_line(verdict))
    return model


def await_release(watch: Watch, ending: Ending, model: Json) -> Ending:
    """Wait until the approved version is live, or something newer is, or its release failed."""
    version = model["version"]

    def look() -> Json | None:
        row = watch.api.find("endpoints", ending.pipeline) or {}
        watch.progress.doing(f"release {version}: {row.get('phase', 'waiting')}")
        return row if is_settled(row, model) else None

    row = watch.until(look, "the release")
    live = row.get("live")
    if number(live) < number(version):
        ended = f"the release of {version} ended {row['outcome']}: {reason(row)}"
        raise Failure(f"{ended}; live is {live or 'nothing'}")
    if live == version:
        since = row.get("live_since")
        took = seconds_between(model["created_at"], since) if since else None
        watch.progress.done("release", f"{version} is live", took)
        return msgspec.structs.replace(ending, outcome="live", live=live)
    watch.progress.done("release", f"{live} is live, newer than {version}")
    return msgspec.structs.replace(ending, outcome="superseded", live=live)


def _job_of(api: Api, pipeline: str, version: str, *, gathers: bool) -> Json | None:
    """Return the job that trains on the version: its own, or the one that took its data in."""
    found = api.get("training-jobs", pipeline=pipeline, limit=20).get("jobs", [])
    # A job that only compares two versions has its data from a dataset version, too.
    found = [job for job in found if job.get("purpose", "train") == "train"]
    jobs = [job for job in found if job["dataset_version"] == version]
    if not jobs and gathers:
        # It was ready after newer data had asked: that asked for both.
        jobs = [job for job in found if version in job.get("dataset_versions", [])]
    job = max(jobs, key=lambda job: str(job["created_at"]), default=None)
    while job and job.get("superseded_by"):
        job = api.get("training-jobs", job["superseded_by"])
    return job
