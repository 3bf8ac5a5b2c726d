"""The way of one dataset version to a live model, told as it happens.

dataset version → training job → gate → release → live. Each part waits for its resource to come to rest,
says what was made and how long it took, and raises the failure that ends the watch when the way ends there.
Times are those of the rows, so that a watch which starts late tells the same story.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import msgspec

from headrace.client.api import Api, Json
from headrace.failures import BadData, Failure, GateRefused, Missing
from headrace.progress import Progress, duration

POLL_S = 0.5
_DATASET_AT_REST = frozenset({"READY", "REJECTED", "FAILED", "SUPERSEDED", "ARCHIVED"})
_JOB_AT_REST = frozenset({"SUCCEEDED", "DEAD", "STOPPED"})
_SHOWN_METRICS = 3
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
        watch.progress.note(
            f"{_label(dataset)} has the content of {dataset['duplicate_of']}: nothing to train"
        )
        return Ending(outcome="duplicate", pipeline=pipeline, dataset_version=version)
    job = await_job(watch, pipeline, dataset)
    if job is None:
        watch.progress.note(f"the pipeline does not retrain on new data: {_label(dataset)} waits")
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


def find_newest(watch: Watch, pipeline: str, *, key: str | None = None, known: Sequence[str] = ()) -> str:
    """Return the newest dataset version, waiting for the first one.

    *key* takes only versions of that object; *known* are those that were there before, and do not count.

    Raises
    ------
    Missing
        There is no version and no such pipeline.
    """

    def look() -> str | None:
        watch.progress.doing(f"waiting for a dataset version of {pipeline}")
        page = watch.api.find("datasets", pipeline, limit=20) or {}
        fresh = [
            row
            for row in page.get("versions", [])
            if row["version"] not in known and (key is None or row["key"] == key)
        ]
        if fresh:
            return str(max(fresh, key=lambda row: row["ordinal"])["version"])
        if key is None and watch.api.find("pipelines", pipeline) is None:
            raise Missing(f"no pipeline {pipeline!r}, and nothing was uploaded for it")
        return None

    return watch.until(look, f"a dataset version of {pipeline}")


def await_dataset(watch: Watch, pipeline: str, version: str) -> Json:
    """Wait until the version is validated and prepared; tell its rows."""

    def look() -> Json | None:
        row = watch.api.get("datasets", pipeline, version)
        watch.progress.doing(f"validate {_label(row)}: {row['state']}")
        return row if row["state"] in _DATASET_AT_REST else None

    row = watch.until(look, "the validation")
    why = f"{row.get('reason') or 'no reason given'}: {row.get('detail') or ''}".rstrip(": ")
    if row["state"] == "REJECTED":
        raise BadData(f"{_label(row)} ({row['key']}) was rejected: {why}")
    if row["state"] == "FAILED":
        raise Failure(f"{_label(row)} could not be processed: {why}")
    good, bad = row.get("rows_good") or 0, row.get("rows_bad") or 0
    aside = f", {bad:,} set aside (headrace datasets rejects {pipeline} {_label(row)})" if bad else ""
    watch.progress.done("validate", f"{_label(row)}: {good:,} good rows{aside}", _seconds(row))
    if not row.get("duplicate_of"):
        columns = watch.api.get("datasets", pipeline, row["version"], "profile")["columns"]
        watch.progress.done("prepare", f"{len(columns)} columns profiled, rows split to train and to judge")
    return row


def await_job(watch: Watch, pipeline: str, dataset: Json) -> Json | None:
    """Wait until the job that trains on the version is at rest; None when the pipeline starts none by itself."""
    definition = (watch.api.find("pipelines", pipeline) or {}).get("definition", {})
    retrains = "new_data" in definition.get("retrain", {}).get("on", ["new_data"])

    def look() -> Json | None:
        job = _job_of(watch.api, pipeline, dataset["version"])
        if job is None:
            watch.progress.doing(f"waiting for the training of {_label(dataset)}")
            return None if retrains else {}
        watch.progress.doing(_job_line(job))
        return job if job["state"] in _JOB_AT_REST else None

    job = watch.until(look, "the training")
    if not job:
        return None
    if job["state"] != "SUCCEEDED":
        raise Failure(
            f"training job {job['job_id']} is {job['state']}: {job.get('reason') or 'no reason given'}; "
            f"see `headrace jobs log {job['job_id']}`"
        )
    return job


def await_gate(watch: Watch, pipeline: str, job: Json) -> Json:
    """Wait until the gate has judged the job's model version; tell metrics and verdicts."""
    version = job["version"]

    def look() -> Json | None:
        watch.progress.doing(f"gate: judging {version}")
        model = watch.api.find("models", pipeline, version)
        return model if model and model["state"] != "REGISTERED" else None

    model = watch.until(look, "the gate's verdict")
    watch.progress.done("train", f"{version} by job {job['job_id']}: {_metrics(model)}", _between(job))
    verdicts = model.get("verdicts", [])
    refusals = [f"{v['clause']}: {v['detail']}" for v in verdicts if v["outcome"] == "failed"]
    refusals = refusals or list(model.get("reasons", []))
    if model["state"] in {"REJECTED", "NEEDS_PERSON"}:
        raise GateRefused(
            f"the gate says {model['state']} to {version}: {'; '.join(refusals) or 'no reason given'}"
        )
    for verdict in verdicts:
        told = f"{verdict['outcome']}: {verdict['clause']}"
        watch.progress.done("gate", f"{told} ({verdict['detail']})" if verdict["detail"] else told)
    return model


def await_release(watch: Watch, ending: Ending, model: Json) -> Ending:
    """Wait until the approved version is live, or something newer is, or its release failed."""
    version = model["version"]

    def look() -> Json | None:
        row = watch.api.find("endpoints", ending.pipeline) or {}
        watch.progress.doing(f"release {version}: {row.get('phase', 'waiting')}")
        live = row.get("live")
        ended = row.get("outcome") in {"FAILED", "ROLLED_BACK"} and row["updated_at"] >= model["created_at"]
        if row.get("candidate") != version and (_number(live) >= _number(version) or ended):
            return row
        return None

    row = watch.until(look, "the release")
    live = row.get("live")
    if _number(live) < _number(version):
        why = row.get("reason") or "no reason given"
        raise Failure(f"the release of {version} ended {row['outcome']}: {why}; live is {live or 'nothing'}")
    outcome = "live" if live == version else "superseded"
    made = f"{version} is live" if live == version else f"{live} is live, newer than {version}"
    seconds = _elapsed(model["created_at"], row.get("live_since")) if live == version else None
    watch.progress.done("release", made, seconds)
    return msgspec.structs.replace(ending, outcome=outcome, live=live)


def _job_of(api: Api, pipeline: str, version: str) -> Json | None:
    page = api.get("training-jobs", pipeline=pipeline, limit=20)
    jobs = [job for job in page.get("jobs", []) if job["dataset_version"] == version]
    return max(jobs, key=lambda job: str(job["created_at"]), default=None)


def _job_line(job: Json) -> str:
    waiting = f", waiting: {job['waiting_reason']}" if job.get("waiting_reason") else ""
    again = f", attempt {job['attempt']}" if job.get("attempt", 1) > 1 else ""
    return f"train {job['job_id']}: {job['state']}{again}{waiting}"


def _metrics(model: Json) -> str:
    shown = list(model.get("metrics", {}).items())[:_SHOWN_METRICS]
    return ", ".join(f"{name} {value:.4g}" for name, value in shown) or "no metrics"


def _label(row: Json) -> str:
    return str(row.get("alias") or row["version"])


def _number(version: str | None) -> int:
    """Return N of `v<N>`; nothing live is older than everything."""
    return int(version[1:]) if version and version[1:].isdigit() else 0


def _seconds(row: Json) -> float | None:
    return _elapsed(row.get("created_at"), row.get("updated_at"))


def _between(job: Json) -> float | None:
    return _elapsed(job.get("started_at"), job.get("ended_at"))


def _elapsed(begin: str | None, end: str | None) -> float | None:
    if not begin or not end:
        return None
    return max(0.0, (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds())
