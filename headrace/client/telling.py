"""What the rows of a run say, in words."""

from datetime import datetime

from headrace.client.api import Json

_SHOWN_METRICS = 3
_RELEASE_FAILED = frozenset({"FAILED", "ROLLED_BACK", "DELETED"})


def label(dataset: Json) -> str:
    """Return the name people use for a dataset version."""
    return str(dataset.get("alias") or dataset["version"])


def reason(row: Json) -> str:
    """Return why something ended as it did: reason code and sentence, as far as there are any."""
    told = [str(row[name]) for name in ("reason", "detail") if row.get(name)]
    return ": ".join(told) or "no reason given"


def rows(pipeline: str, dataset: Json) -> str:
    """Return how many rows were kept, how many set aside, and where those can be seen."""
    good, bad = dataset.get("rows_good") or 0, dataset.get("rows_bad") or 0
    aside = f", {bad:,} set aside (headrace datasets rejects {pipeline} {label(dataset)})" if bad else ""
    return f"{label(dataset)}: {good:,} good rows{aside}"


def job_line(job: Json) -> str:
    """Return where a training job stands, and what it waits for."""
    waiting = f", waiting: {job['waiting_reason']}" if job.get("waiting_reason") else ""
    again = f", attempt {job['attempt']}" if job.get("attempt", 1) > 1 else ""
    return f"train {job['job_id']}: {job['state']}{again}{waiting}"


def metrics(model: Json) -> str:
    """Return the first metrics of a model version."""
    shown = list(model.get("metrics", {}).items())[:_SHOWN_METRICS]
    return ", ".join(f"{name} {value:.4g}" for name, value in shown) or "no metrics"


def verdict_line(verdict: Json) -> str:
    """Return how a gate clause was judged, with the numbers."""
    told = f"{verdict['outcome']}: {verdict['clause']}"
    return f"{told} ({verdict['detail']})" if verdict["detail"] else told


def judgement_row(judgement: Json) -> Json:
    """Return one decision about a model version as a row: when, what, by whom, against whom, by which gate."""
    basis = judgement.get("basis")
    found = {name: judgement[name] for name in ("at", "state", "reasons")}
    if basis is None:
        return {**found, "by": "a person"}
    return {**found, "by": "the gate", "champion": basis["champion"], "gate": basis["gate"]}


def refusals(model: Json) -> str:
    """Return the clauses that failed, else the reasons of the gate as a whole."""
    failed = [f"{v['clause']}: {v['detail']}" for v in model.get("verdicts", []) if v["outcome"] == "failed"]
    return "; ".join(failed or model.get("reasons", [])) or "no reason given"


def number(version: str | None) -> int:
    """Return N of `v<N>`; nothing live is older than everything."""
    return int(version[1:]) if version and version[1:].isdigit() else 0


def is_settled(release: Json, model: Json) -> bool:
    """Say whether the release of the model version is over: it is live, overtaken, or its release failed."""
    if release.get("candidate") == model["version"]:
        return False
    # An outcome from before the version existed is that of an earlier release.
    failed = release.get("outcome") in _RELEASE_FAILED and release["updated_at"] >= model["created_at"]
    return failed or number(release.get("live")) >= number(model["version"])


def elapsed(row: Json, begin: str, end: str) -> float | None:
    """Return the seconds between two times of a row, None when one is missing."""
    if not row.get(begin) or not row.get(end):
        return None
    return seconds_between(row[begin], row[end])


def seconds_between(begin: str, end: str) -> float:
    """Return the seconds between two RFC 3339 times; clocks that disagree never make them negative."""
    return max(0.0, (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds())
