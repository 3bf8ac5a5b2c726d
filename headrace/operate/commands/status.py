"""`headrace status`: whether a stage is up, and what is live on it."""

from headrace.operate.project import find_project, told_in_one_line
from headrace.operate.stages import local_url, stage_of
from headrace.options import command
from headrace.session import LOCAL, Session

_COLUMNS = ("pipeline", "live", "live_since", "previous", "candidate", "phase", "outcome", "reason")


@command("status")
def status(session: Session) -> None:
    """Show whether a stage is up and what is live on it.

    Also says when the stage is not hardened. Ends with 5 when nobody answers.
    """
    if session.stage == LOCAL and not session.environ.get("HEADRACE_URL"):
        local_url(find_project(session.folder))
    api = session.api
    health = api.get("health").get("status", "ok")
    session.progress.note(f"{api.credentials.stage}: {api.credentials.url}/v1 says {health}")
    if is_stage_hardened(session) is False:
        remedy = f"`headrace deploy --harden --stage {api.credentials.stage}`"
        session.progress.note(
            f"{api.credentials.stage}: not hardened (a plain chalice deploy undoes it): {remedy}"
        )
    session.show(list(api.every("endpoints", "endpoints")), _COLUMNS)


def is_stage_hardened(session: Session) -> bool | None:
    """Ask AWS whether dead letters, retries and error shapes are in place; None where it cannot be asked.

    Only the local stage: another one's REST address is known to people without rights to its AWS account.
    """
    from localcloud import control

    if session.stage != LOCAL or control.status(find_project(session.folder).home) is None:
        return None
    from infra.deploy import find_deployment
    from infra.harden import is_hardened

    with told_in_one_line():
        stage = stage_of(session, find_project(session.folder))
        outputs = find_deployment(stage)
        return outputs is not None and is_hardened(stage, outputs)
