"""Deploy a stage and leave a working token behind."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from headrace.client.api import Api
from headrace.client.credentials import Credentials, read_credentials, write_credentials
from headrace.failures import Failure, Unreachable
from headrace.operate.project import Project, find_project
from headrace.operate.stages import deployed
from headrace.session import Session

if TYPE_CHECKING:
    from infra.choices import Choices
    from infra.deploy import Step
    from infra.stage import Stage


class Deployed(msgspec.Struct, frozen=True, kw_only=True):
    """What a deployment came to: the one origin, and whether anything had to be changed."""

    stage: str
    url: str
    changed: bool


def deploy_stage(
    session: Session, project: Project, stage: "Stage", choices: "Choices | None" = None
) -> Deployed:
    """Bring the stage to what the checkout says, telling each step; again, it changes nothing."""
    from infra.choices import AS_BEFORE
    from infra.deploy import deploy

    steps: list[Step] = []
    told = _telling(session, steps)
    deployment = deploy(stage, root=project.root, on_step=told, choices=choices or AS_BEFORE)
    return Deployed(
        stage=stage.name,
        url=deployment.origin_url,
        changed=any(step.changed for step in steps),
    )


def do_part(session: Session, part: str) -> bool:
    """Only `render` or only `harden` a deployed stage, telling each step; return whether that changed anything."""
    from infra import deploy

    stage, outputs = deployed(session)
    steps: list[Step] = []
    told = _telling(session, steps)
    if part == "render":
        root = find_project(session.folder).root
        deploy.render_stage(stage, outputs, root=root, on_step=told)
    else:
        deploy.harden_stage(stage, outputs, on_step=told)
    return any(step.changed for step in steps)


def _telling(session: Session, steps: "list[Step]") -> "Callable[[Step], None]":
    """Return what tells each step when it is done, and keeps it."""

    def on_step(step: "Step") -> None:
        steps.append(step)
        made = step.detail if step.changed else f"in place: {step.detail}"
        session.progress.done(step.name, made, step.seconds)
        session.progress.doing("deploying")

    session.progress.doing("deploying")
    return on_step


def ensure_token(
    session: Session, project: Project, stage: "Stage", deployed: Deployed
) -> tuple[Credentials, bool]:
    """Return credentials that work, and whether they are new: minted, and kept 0600 in `.headrace`."""
    from infra.tokens import mint_token

    url = deployed.url
    kept = read_credentials(stage.name, project.root)
    if kept is not None and _works(session, msgspec.structs.replace(kept, url=url)):
        if kept.url != url:
            kept = msgspec.structs.replace(kept, url=url)
            write_credentials(kept, project.root)
        return kept, False
    began = session.monotonic()
    token = mint_token(stage, note="first token, by headrace").token
    minted = Credentials(stage=stage.name, url=url, token=token)
    file = write_credentials(minted, project.root)
    where = file.relative_to(project.root)
    session.progress.done("token", f"for every scope, kept in {where}", session.monotonic() - began)
    return minted, True


def check_health(session: Session, credentials: Credentials) -> None:
    """Ask the stage through its public origin whether it is well.

    Raises
    ------
    Failure, Unreachable
        It is not.
    """
    began = session.monotonic()
    answer = Api(credentials, session.transport(), session.sleep).get("health")
    told = answer.get("status", "ok")
    session.progress.done("health", f"{credentials.url}/v1/health says {told}", session.monotonic() - began)


def _works(session: Session, credentials: Credentials) -> bool:
    try:
        Api(credentials, session.transport(), session.sleep).get("pipelines", limit=1)
    except Unreachable:
        # Says nothing about the token: a second one would only hide that the stage is down.
        raise
    except Failure:
        return False
    return True
