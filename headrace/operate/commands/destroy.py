"""`headrace destroy`: remove a stage, and prove that nothing of it is left."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click
import msgspec

from headrace.failures import Failure
from headrace.operate.project import find_project, told_in_one_line
from headrace.operate.stages import stage_of
from headrace.options import command
from headrace.progress import following, several
from headrace.session import Session

if TYPE_CHECKING:
    from infra.deploy import Step
    from infra.removal.kinds import Found
    from infra.stage import Stage

_COLUMNS = ("kind", "name")


@command("destroy")
@click.option(
    "--plan", is_flag=True, help="Change nothing: list everything of the stage, and whether it would go."
)
@click.option("--data", "with_data", is_flag=True, help="Remove what it keeps too; nothing brings it back.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def destroy(session: Session, plan: bool, with_data: bool, yes: bool) -> None:
    """Remove a stage from its cloud.

    What runs and what costs goes: edge, functions, APIs, rules, endpoints. Uploads, models, tables, logs and the
    signing key stay, and the next `headrace deploy` goes on with them; --data removes them too. Afterwards it looks,
    by name and by tag, at what is left: anything that should not be is listed, and the command ends with 1. Run
    again, it goes on where it broke off.
    """
    from infra.destroy import destroy as destroy_stage
    from infra.removal.table import inventory

    project, began = find_project(session.folder), session.monotonic()
    with following(session.progress), told_in_one_line():
        session.progress.doing("looking")
        stage = stage_of(session, project)
        there = inventory(stage)
        session.progress.close()
        if plan:
            _show(session, there, with_data)
            return
        if not yes:
            _ask(stage, there, with_data)
        result = destroy_stage(stage, root=project.root, with_data=with_data, on_step=_telling(session))
        told = f"{several(result.removed, 'thing')} removed from stage {stage.name}"
        session.progress.done("destroy", told, session.monotonic() - began)
    if result.left:
        session.show(msgspec.to_builtins(result.left), _COLUMNS)
        raise Failure(
            f"still there of stage {stage.name!r}: {several(len(result.left), 'thing')}, listed above. Run `headrace destroy` "
            "again; what stays then has to be removed by hand"
        )
    session.show(
        {
            "stage": stage.name,
            "removed": result.removed,
            "kept": _counted(result.kept) or "nothing",
            "left": 0,
        }
    )


def _show(session: Session, there: "list[Found]", with_data: bool) -> None:
    """List what is there in the order in which it would go."""
    rows = [
        {"kind": one.kind, "name": one.name, "fate": "stays" if one.is_data and not with_data else "goes"}
        for one in there
    ]
    session.show(rows, (*_COLUMNS, "fate"))


def _ask(stage: "Stage", there: Iterable["Found"], with_data: bool) -> None:
    """Have the stage's name typed: a `y` is typed too easily for what cannot be undone."""
    data = _counted(one for one in there if one.is_data)
    goes = _counted(one for one in there if not one.is_data)
    click.echo(f"Goes: {goes or 'nothing'}", err=True)
    fate = "Goes too, for good" if with_data else "Stays (--data removes it)"
    click.echo(f"{fate}: {data or 'nothing'}", err=True)
    where = f"{stage.name} in account {stage.account}, {stage.region}"
    if click.prompt(f"Type the stage's name to remove {where}", err=True) != stage.name:
        raise click.Abort


def _counted(found: Iterable["Found"]) -> str:
    return ", ".join(several(count, kind) for kind, count in Counter(one.kind for one in found).items())


def _telling(session: Session) -> "Callable[[Step], None]":
    def on_step(step: "Step") -> None:
        session.progress.done(step.name, step.detail, step.seconds)
        session.progress.doing("removing")

    return on_step
