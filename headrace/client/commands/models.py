"""`headrace models`: model versions."""

from itertools import islice

import click

from headrace.options import command, limit_option
from headrace.session import Session

_COLUMNS = ("version", "state", "metrics", "reasons", "dataset_version", "created_at")
_VERDICTS = ("clause", "outcome", "detail")


@click.group("models")
def models() -> None:
    """Show model versions and what their gate said."""


@models.add_command
@command("ls")
@click.argument("pipeline")
@limit_option(50, "the newest first")
def list_models(session: Session, pipeline: str, limit: int) -> None:
    """List the model versions of a pipeline."""
    session.show(list(islice(session.api.every("versions", "models", pipeline), limit)), _COLUMNS)


@models.add_command
@command("show")
@click.argument("pipeline")
@click.argument("version")
@click.option("--verdicts", is_flag=True, help="Only what the gate said, clause by clause.")
def show_model(session: Session, pipeline: str, version: str, verdicts: bool) -> None:
    """Show one model version: metrics, verdicts, lineage, inputs."""
    model = session.api.get("models", pipeline, version)
    if verdicts:
        session.show(model.get("verdicts", []), _VERDICTS)
    else:
        session.show(model)
