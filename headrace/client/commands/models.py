"""`headrace models`: model versions."""

from itertools import islice

import click

from headrace.client.commands.registry import compare_models, reproduce, show_card, show_lineage
from headrace.failures import GateRefused
from headrace.options import command, limit_option
from headrace.session import Session

_COLUMNS = ("version", "state", "metrics", "reasons", "dataset_version", "created_at")
_VERDICTS = ("clause", "outcome", "detail")
_JUDGEMENTS = ("at", "state", "by", "champion", "gate", "reasons")
_DECIDED = ("version", "state", "evaluated_champion", "reasons")


@click.group("models")
def models() -> None:
    """Show model versions: what their gate said, where they come from, how they compare."""


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
@click.option(
    "--judgements", is_flag=True, help="Only the decisions so far, oldest first, and by which gate."
)
def show_model(session: Session, pipeline: str, version: str, verdicts: bool, judgements: bool) -> None:
    """Show one model version: metrics, verdicts, lineage, inputs."""
    model = session.api.get("models", pipeline, version)
    if verdicts:
        session.show(model.get("verdicts", []), _VERDICTS)
    elif judgements:
        from headrace.client.telling import judgement_row

        session.show([judgement_row(each) for each in model.get("judgements", [])], _JUDGEMENTS)
    else:
        session.show(model)


@models.add_command
@command("approve")
@click.argument("pipeline")
@click.argument("version")
@click.option("--reason", required=True, help="Why; it stays on record with your token's name.")
def approve_model(session: Session, pipeline: str, version: str, reason: str) -> None:
    """Approve a model version that waits for a person."""
    session.show(session.api.post("models", pipeline, version, "approve", body={"reason": reason}), _DECIDED)


@models.add_command
@command("reject")
@click.argument("pipeline")
@click.argument("version")
@click.option("--reason", required=True, help="Why; it stays on record with your token's name.")
def reject_model(session: Session, pipeline: str, version: str, reason: str) -> None:
    """Reject a model version that waits for a person."""
    session.show(session.api.post("models", pipeline, version, "reject", body={"reason": reason}), _DECIDED)


@models.add_command
@command("judge")
@click.argument("pipeline")
@click.argument("version")
def judge_model(session: Session, pipeline: str, version: str) -> None:
    """Judge a model version by the gate and the live version of now, without training.

    Ends with 4 where the gate refuses it; a comparison that takes a job leaves it REGISTERED.
    """
    from headrace.client.telling import refusals

    model = session.api.post("models", pipeline, version, "judge")
    session.show(model, _DECIDED)
    if model["state"] in {"REJECTED", "NEEDS_PERSON"}:
        raise GateRefused(f"the gate says {model['state']} to {version}: {refusals(model)}")


for _command in (show_card, show_lineage, compare_models, reproduce):
    models.add_command(_command)
