"""`headrace down`, `reset` and `doctor`: the local cloud."""

from typing import TYPE_CHECKING

import click
import msgspec

from headrace.failures import Failure
from headrace.operate.project import PORT, find_project, told_in_one_line
from headrace.operate.stages import stage_of
from headrace.options import command
from headrace.progress import following
from headrace.session import LOCAL, Session

if TYPE_CHECKING:
    from localcloud.doctor import Finding

_COLUMNS = ("name", "ok", "sentence", "remedy")


@command("down")
def down(session: Session) -> None:
    """Stop the local cloud; what it keeps stays.

    `headrace up` finds it again.
    """
    from localcloud import control

    project, began = find_project(session.folder), session.monotonic()
    with following(session.progress), told_in_one_line():
        session.progress.doing("stopping the local cloud")
        stopped = control.stop(project.home)
        told = "the local cloud stopped" if stopped else "in place: no local cloud runs here"
        session.progress.done("down", told, session.monotonic() - began)


@command("reset")
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(session: Session, yes: bool) -> None:
    """Stop the local cloud and remove all it keeps.

    Uploads, models and what was live on it are gone afterwards.
    """
    from localcloud import control

    project = find_project(session.folder)
    if not yes:
        click.confirm(f"Remove all uploads, models and logs under {project.home}?", abort=True, err=True)
    with told_in_one_line():
        control.reset(project.home)
    # Its token is unknown to the next local cloud.
    (project.home / "local.json").unlink(missing_ok=True)
    session.progress.done("reset", f"{project.home} is empty")


@command("doctor")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=PORT, show_default=True, help="The port to check."
)
def doctor(session: Session, port: int) -> None:
    """Find what stands in the way of a local cloud, or of a stage on AWS.

    With --stage it reads the quotas of the account and names each shortfall. Changes nothing; ends with 1 when
    something has to be done.
    """
    with following(session.progress), told_in_one_line():
        session.progress.doing("looking")
        findings = _diagnose(session, port)
    if session.output == "table":
        for finding in findings:
            remedy = f"\n        → {finding.remedy}" if finding.remedy else ""
            click.echo(f"{'ok ' if finding.ok else 'BAD'}  {finding.name}: {finding.sentence}{remedy}")
    else:
        session.show(msgspec.to_builtins(findings), _COLUMNS)
    bad = [finding.name for finding in findings if not finding.ok]
    if bad:
        raise Failure(f"to be mended first: {', '.join(bad)}")


def _diagnose(session: Session, port: int) -> "list[Finding]":
    project = find_project(session.folder)
    if session.stage != LOCAL:
        from headrace.operate.account import diagnose_account

        return diagnose_account(stage_of(session, project))
    from localcloud.doctor import diagnose

    return diagnose(project.home, port, project.lambda_runtime, project.images)
