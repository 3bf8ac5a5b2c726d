"""`headrace env`: the shell exports of a stage."""

import shlex
from collections.abc import Mapping

import click

from headrace.client.credentials import Credentials, find_credentials
from headrace.operate.project import Project, find_project
from headrace.options import command
from headrace.session import LOCAL, Session


@command("env")
def env(session: Session) -> None:
    """Print the shell exports of a stage.

    Use it as: eval "$(headrace env)". Then chalice, aws and headrace itself work on that stage.
    """
    project = find_project(session.folder)
    # The stage by its name, never what the shell has exported already: that may be of another one.
    credentials = find_credentials(session.stage, session.environ, project.root)
    if session.output == "json":
        session.show(_variables(project, credentials))
        return
    path = session.environ.get("PATH", "").split(":")
    click.echo(
        exports(project, _variables(project, credentials), on_path=str(project.tools) in path), nl=False
    )


def exports(project: Project, variables: Mapping[str, str], *, on_path: bool) -> str:
    """Return the lines for a POSIX shell; every value is quoted."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    if "AWS_ENDPOINT_URL" in variables:
        # A session token or profile of a real account would be sent along with the local keys.
        lines.append("unset AWS_SESSION_TOKEN AWS_PROFILE")
    if not on_path:
        lines.append(f'export PATH={shlex.quote(str(project.tools))}:"$PATH"')
    return "\n".join(lines) + "\n"


def _variables(project: Project, credentials: Credentials) -> dict[str, str]:
    """Return what leads to the stage; on AWS the keys are the caller's own, and none is printed."""
    variables = {
        "HEADRACE_STAGE": credentials.stage,
        "HEADRACE_URL": credentials.url,
        "HEADRACE_TOKEN": credentials.token,
    }
    if credentials.stage != LOCAL:
        return variables
    from headrace.operate.stages import local_url
    from infra.stage import Stage

    return {**Stage.local(local_url(project)).environment(), **variables}
