"""`headrace rotate`: a new origin secret for a stage, without a refused request."""

from typing import TYPE_CHECKING

from headrace.operate.project import find_project, told_in_one_line
from headrace.operate.stages import stage_of
from headrace.options import command
from headrace.progress import following
from headrace.session import Session

if TYPE_CHECKING:
    from infra.deploy import Step


@command("rotate")
def rotate(session: Session) -> None:
    """Give CloudFront and the services of a stage a new origin secret.

    The services accept both values while CloudFront changes over, so no request is refused; afterwards the old one
    opens nothing. Run again after a failure, it goes on.
    """
    from infra.rotation import rotate_origin_secret

    def on_step(step: "Step") -> None:
        session.progress.done(step.name, step.detail, step.seconds)
        session.progress.doing("rotating")

    with following(session.progress), told_in_one_line():
        stage = stage_of(session, find_project(session.folder))
        session.progress.doing("rotating")
        rotate_origin_secret(stage, on_step=on_step)
    session.show({"stage": stage.name, "origin_secret": "new"})
