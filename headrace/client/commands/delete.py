"""`headrace delete`: a pipeline ends; what it was trained from, and what came of that, stays."""

from collections.abc import Collection

import click

from headrace.client.api import Api, Json
from headrace.client.following import JOB_AT_REST
from headrace.options import command
from headrace.progress import several
from headrace.session import Session

_BATCH_AT_REST = frozenset({"SUCCEEDED", "STOPPED", "FAILED"})


@command("delete")
@click.argument("pipeline")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(session: Session, pipeline: str, yes: bool) -> None:
    """Delete a pipeline: its jobs and batches are stopped, its endpoints deleted.

    Shows first what goes and what stays, and has the pipeline's name typed. Dataset versions and model versions stay:
    a pipeline that is defined again under the name lists them, counts on from them, and begins with nothing live.
    """
    session.api.get("pipelines", pipeline)
    for line in _fate(session.api, pipeline):
        session.progress.note(line)
    if not yes and click.prompt(f"Type the pipeline's name to delete {pipeline}", err=True) != pipeline:
        raise click.Abort
    deleted = session.api.delete("pipelines", pipeline, force="true")
    session.progress.done("delete", f"the definition of {pipeline}")
    session.show(deleted)


def _fate(api: Api, pipeline: str) -> tuple[str, str]:
    """Return what goes with the pipeline, and what stays."""
    release = api.find("endpoints", pipeline) or {}
    goes = [
        f"{release[role]} ({told})"
        for role, told in (("live", "live"), ("candidate", "being released"), ("previous", "live before"))
        if release.get(role)
    ]
    jobs = _under_way(api.get("training-jobs", pipeline=pipeline)["jobs"], JOB_AT_REST)
    batches = _under_way(api.get("batch-predictions", pipeline)["batches"], _BATCH_AT_REST)
    goes += [several(count, kind) for count, kind in ((jobs, "training job"), (batches, "batch")) if count]
    data = sum(1 for _ in api.every("versions", "datasets", pipeline))
    models = sum(1 for _ in api.every("versions", "models", pipeline))
    stays = f"{several(data, 'dataset version')}, {several(models, 'model version')}"
    return f"Goes: {', '.join(goes) or 'nothing serves or trains'}", f"Stays: {stays}"


def _under_way(rows: list[Json], at_rest: Collection[str]) -> int:
    return sum(row["state"] not in at_rest for row in rows)
