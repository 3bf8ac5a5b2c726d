"""`headrace status`: whether a stage is up, and what is live on it."""

from headrace.operate.project import find_project
from headrace.options import command
from headrace.session import LOCAL, Session

_COLUMNS = ("pipeline", "live", "live_since", "previous", "candidate", "phase", "outcome", "reason")


@command("status")
def status(session: Session) -> None:
    """Show whether a stage is up and what is live on it.

    Ends with 5 when nobody answers.
    """
    if session.stage == LOCAL and not session.environ.get("HEADRACE_URL"):
        from headrace.operate.stages import local_url

        local_url(find_project(session.folder))
    api = session.api
    health = api.get("health").get("status", "ok")
    session.progress.note(f"{api.credentials.stage}: {api.credentials.url}/v1 says {health}")
    session.show(list(api.every("endpoints", "endpoints")), _COLUMNS)
