"""Two model versions beside each other, and the wait for a repeated training."""

from collections.abc import Callable, Sequence

from headrace.client.api import Api, Json
from headrace.client.following import JOB_AT_REST
from headrace.failures import Failure

POLL_S = 0.5


def compare(api: Api, pipeline: str, old: str, new: str) -> Json:
    """Return what two model versions have in common and what not: metrics, slices, data, parameters, libraries."""
    versions = (old, new)
    evaluations = [api.get("models", pipeline, version, "evaluation") for version in versions]
    lineages = [api.get("models", pipeline, version, "lineage") for version in versions]
    return {
        "pipeline": pipeline,
        "versions": list(versions),
        "judged_rows": [evaluation.get("rows") for evaluation in evaluations],
        "judged_on": [evaluation.get("judged") for evaluation in evaluations],
        "metrics": _metrics(*evaluations),
        "slices": _changed(_slices, evaluations),
        "data": _changed(_data, lineages),
        "parameters": _changed(_parameters, lineages),
        "libraries": _changed(_libraries, lineages),
        "code": _changed(_code, lineages),
    }


def compared_rows(found: Json) -> list[Json]:
    """Return a comparison as the lines of one table."""
    rows = [{"about": "metrics", **row} for row in found["metrics"]]
    for about in ("slices", "data", "parameters", "libraries", "code"):
        rows += [{"about": about, **row} for row in found[about]]
    return rows


def wait_for_reproduction(
    api: Api, pipeline: str, version: str, job_id: str, *, pause: Callable[[], None]
) -> Json:
    """Return the report of a repeated training once it has ended; *pause* is called between two looks.

    Raises
    ------
    Failure
        The job ended without one.
    """
    while True:
        found = api.get("models", pipeline, version, "reproductions", job_id)
        if found["state"] in JOB_AT_REST:
            break
        pause()
    if found.get("report") is None:
        raise Failure(f"job {job_id} is {found['state']}: {found.get('reason') or 'no reason is known'}")
    report: Json = found["report"]
    return report


def _metrics(old: Json, new: Json) -> list[Json]:
    was, now = (evaluation["metrics"]["challenger"] for evaluation in (old, new))
    return [
        {
            "name": name,
            "old": was.get(name),
            "new": now.get(name),
            "difference": _difference(was.get(name), now.get(name)),
            "old_over_baseline": _interval(old, name),
            "new_over_baseline": _interval(new, name),
        }
        for name in dict.fromkeys([*was, *now])
    ]


def _difference(was: float | None, now: float | None) -> float | None:
    return None if was is None or now is None else now - was


def _interval(evaluation: Json, metric: str) -> str | None:
    """Return the metric minus the baseline's, with the ends of its interval."""
    found = (evaluation["differences"].get("baseline") or {}).get(metric)
    if not found or found.get("low") is None:
        return None
    return f"{found['estimate']:+.4g} [{found['low']:+.4g}, {found['high']:+.4g}]"


def _slices(evaluation: Json) -> Json:
    """Return the worst slice of each column with its figure, as the recipe found them."""
    columns = (evaluation.get("slices") or {}).get("columns", [])
    return {one["column"]: f"{one['slice']}: {one['value']} on {one['rows']} rows" for one in columns}


def _data(lineage: Json) -> Json:
    return {
        one["version"]: f"{one['rows']} rows of {one['raw']['uri']}, sha256 {one['raw']['sha256'][:12]}…"
        for one in lineage["datasets"]
    }


def _parameters(lineage: Json) -> Json:
    # The champion is who was live, the metrics are the gate's: neither teaches.
    return {name: value for name, value in lineage["parameters"].items() if name not in {"metrics"}}


def _libraries(lineage: Json) -> Json:
    versions: Json = lineage["code"]["versions"]
    return versions


def _code(lineage: Json) -> Json:
    code = lineage["code"]
    return {"recipe": code["recipe_sha256"], "image": code["image_uri"]}


def _changed(part: Callable[[Json], Json], sides: Sequence[Json]) -> list[Json]:
    """Return what of one part is not the same on both sides."""
    old, new = map(part, sides)
    names = dict.fromkeys([*old, *new])
    return [
        {"name": name, "old": old.get(name), "new": new.get(name)}
        for name in names
        if old.get(name) != new.get(name)
    ]
