"""`headrace up`: the local cloud with Headrace on it."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import click

from headrace.client.credentials import Credentials, read_credentials
from headrace.failures import Failure
from headrace.operate.deployment import check_health, deploy_stage, ensure_token
from headrace.operate.project import Project, find_project, told_in_one_line
from headrace.options import command
from headrace.progress import following
from headrace.session import LOCAL, Session

type Commands = tuple[tuple[str, str], ...]

NEXT = """\
API      {url}/v1
Console  {url}/
Shell    eval "$({command} env)"

Next:
{commands}"""
COMMANDS: Commands = (
    ("headrace up --demo", "run the flights example to a live prediction"),
    ("headrace init DATA.csv --target COLUMN", "define a pipeline for data of your own"),
    ("headrace down", "stop the local cloud; what it keeps stays"),
)


@command("up")
@click.option("--demo", "with_demo", is_flag=True, help="Run the flights example to a live prediction.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="The local cloud's port; when left out, that of last time, at first 4577.",
)
def up(session: Session, with_demo: bool, port: int | None) -> None:
    """Start the local cloud and deploy Headrace on it.

    Run again, it finds everything in place and changes nothing.
    """
    if session.stage_asked not in {None, LOCAL}:
        raise click.UsageError("`up` is for the local stage; on AWS use `headrace deploy --stage NAME`")
    session.stage_asked = LOCAL
    project = find_project(session.folder)
    # The checkout may be elsewhere; from here on its own credentials count.
    session.folder = project.root
    began = session.monotonic()
    with following(session.progress), told_in_one_line():
        credentials, changed = bring_up(session, project, port)
        commands: Commands = COMMANDS
        if with_demo:
            from headrace.operate.demo import NEXT_COMMANDS, run_demo

            changed = run_demo(session, project) or changed
            commands = NEXT_COMMANDS
        told = "ready" if changed else "everything was in place; nothing changed"
        session.progress.done("up", told, session.monotonic() - began)
    if session.output == "table":
        click.echo(closing_block(credentials.url, commands))
    else:
        session.show({"stage": LOCAL, "api": f"{credentials.url}/v1", "changed": changed})


def bring_up(session: Session, project: Project, port: int | None) -> tuple[Credentials, bool]:
    """Start, deploy, mint a token and ask for health; return credentials, and whether anything changed."""
    from infra.stage import Stage

    url, started = _start(session, project, port)
    stage = Stage.local(url)
    with saying_what_was_lost(project):
        deployed = deploy_stage(session, project, stage)
        credentials, minted = ensure_token(session, project, stage, deployed)
        check_health(session, credentials)
    return credentials, started or deployed.changed or minted


@contextmanager
def saying_what_was_lost(project: Project) -> Iterator[None]:
    """Name a killed server where its lost seconds may be why deploying fails: no deployment heals that."""
    from localcloud import control

    try:
        with told_in_one_line():
            yield
    except Failure as failure:
        killed = control.killed_predecessor(project.home)
        if killed is None:
            raise
        raise Failure(
            f"{failure.message} The local cloud before (process {killed}) was killed and what changed in its "
            "last seconds is lost: `headrace reset`, then `headrace up`, starts anew."
        ) from failure


def closing_block(url: str, commands: Commands) -> str:
    """Return the addresses and what to try next."""
    width = max(len(text) for text, _ in commands)
    lines = "\n".join(f"  {text:<{width}}  {why}" for text, why in commands)
    return NEXT.format(url=url, command=callable_name(), commands=lines)


def callable_name() -> str:
    """Return how the caller's shell finds this command: by name, or by the path it was called with."""
    called = Path(sys.argv[0])
    # `env` itself puts the folder on PATH, so only the very first call needs the path.
    if called.name != "headrace" or shutil.which("headrace"):
        return "headrace"
    return os.path.relpath(called)


def _start(session: Session, project: Project, port: int | None) -> tuple[str, bool]:
    from localcloud import control

    running = control.status(project.home)
    # A second server on the folder would be refused; the one that runs is what the caller wants.
    if running is not None:
        if port not in {None, running.port}:
            raise click.UsageError(f"the local cloud runs on port {running.port}: `headrace down` first")
        session.progress.done("cloud", f"in place: {running.url}")
        return running.url, False
    began = session.monotonic()
    session.progress.doing("starting the local cloud")
    running = control.start(
        home=project.home,
        port=port or last_port(project),
        lambda_runtime=project.lambda_runtime,
        images=project.images,
    )
    made = f"local AWS at {running.url} (process {running.pid})"
    session.progress.done("cloud", made, session.monotonic() - began)
    return running.url, True


def last_port(project: Project) -> int | None:
    """Return the port this stage had the last time, None before: addresses people noted should stay right."""
    known = read_credentials(LOCAL, project.root)
    return urlsplit(known.url).port if known else None
