"""The stage a command works on, as `infra` knows it."""

from typing import TYPE_CHECKING

from headrace.failures import Missing, Unreachable
from headrace.operate.project import Project, find_project
from headrace.session import LOCAL, Session

if TYPE_CHECKING:
    from infra.stage import Stage


def stage_of(session: Session, project: Project) -> "Stage":
    """Return the stage: the running local cloud, or the one in the caller's AWS account.

    Raises
    ------
    Unreachable
        It is the local one, and the local cloud does not run.
    """
    from infra.stage import Stage

    if session.stage == LOCAL:
        return Stage.local(local_url(project))
    return Stage.of(session.stage)


def deployed(session: Session) -> tuple["Stage", dict[str, str]]:
    """Return the stage with the outputs of its deployment.

    Raises
    ------
    Missing
        There is none.
    """
    from infra.deploy import find_deployment

    stage = stage_of(session, find_project(session.folder))
    outputs = find_deployment(stage)
    if outputs is None:
        raise Missing(f"stage {stage.name!r} is not deployed: `headrace deploy --stage {stage.name}`")
    return stage, outputs


def local_url(project: Project) -> str:
    """Return the address of the running local cloud.

    Raises
    ------
    Unreachable
        It does not run.
    """
    from localcloud import control

    running = control.status(project.home)
    if running is None:
        raise Unreachable("the local cloud does not run; start it with `headrace up`")
    return running.url
