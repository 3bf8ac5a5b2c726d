"""`headrace deploy`: bring a stage to what the checkout says, or show what that would be."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace.operate.deployment import check_health, deploy_stage, do_part, ensure_token
from headrace.operate.planned import show_plan
from headrace.operate.project import find_project, told_in_one_line
from headrace.operate.stages import stage_of
from headrace.options import command
from headrace.progress import following
from headrace.session import Session

if TYPE_CHECKING:
    from infra.choices import Choices


@command("deploy")
@click.option(
    "--plan",
    is_flag=True,
    help="Change nothing: show every resource, IAM statement, quota and price; an account is not needed.",
)
@click.option(
    "--templates",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="With --plan: write what hardens each service for `chalice package --merge-template`.",
)
@click.option(
    "--render",
    "part",
    flag_value="render",
    help="Only fill config and policies, for a plain `chalice deploy`.",
)
@click.option(
    "--harden", "part", flag_value="harden", help="Only do again what a plain `chalice deploy` undid."
)
@click.option(
    "--alert-email",
    metavar="ADDRESS",
    help="Who gets alarms and failures by mail, once confirmed there; '' is nobody. Left out: as before.",
)
@click.option(
    "--waf/--no-waf",
    default=None,
    help="Put a web ACL before the stage; it costs. Left out: as before, at first only the stage prod.",
)
@click.option(
    "--block",
    metavar="CIDR,...",
    help="Networks that the web ACL refuses; '' is none. Left out: as before.",
)
@click.option(
    "--own-key",
    metavar="ARN",
    help="A KMS key of your own for all that is kept, chosen once; see docs/operations/own-key.md. Left out: as before, at first AWS's keys.",
)
@click.option(
    "--access-logs",
    metavar="BUCKET",
    help="Where S3 and CloudFront log each access; '' is nowhere. Left out: as before, at first nowhere.",
)
def deploy(session: Session, plan: bool, templates: Path | None, part: str | None, **chosen: Any) -> None:
    """Deploy Headrace to a stage.

    On AWS with the caller's own credentials; the stage `local` is the running local cloud. Run again, it
    changes nothing. With --plan it ends with 1 when the account has too little of something.
    """
    _check_together(plan, templates, part, chosen)
    project = find_project(session.folder)
    if plan:
        with following(session.progress), told_in_one_line():
            show_plan(session, project, _choices(**chosen), templates)
        return
    if part:
        with following(session.progress), told_in_one_line():
            session.show({"stage": session.stage, "changed": do_part(session, part)})
        return
    with following(session.progress), told_in_one_line():
        stage = stage_of(session, project)
        deployed = deploy_stage(session, project, stage, _choices(**chosen))
        credentials, minted = ensure_token(session, project, stage, deployed)
        check_health(session, credentials)
    changed = deployed.changed or minted
    session.show({"stage": stage.name, "api": f"{credentials.url}/v1", "changed": changed})


def _check_together(plan: bool, templates: Path | None, part: str | None, chosen: dict[str, Any]) -> None:
    """Refuse options that would have no effect."""
    if templates is not None and not plan:
        raise click.UsageError("--templates goes with --plan: a deployment writes none")
    if part and (plan or any(value is not None for value in chosen.values())):
        raise click.UsageError(f"--{part} does that alone: it goes with no other option")


def _choices(*, waf: bool | None, block: str | None, **others: str | None) -> "Choices":
    from infra.choices import Choices

    blocked = None if block is None else tuple(filter(None, block.split(",")))
    return Choices(web_acl=waf, blocked_addresses=blocked, **others)
