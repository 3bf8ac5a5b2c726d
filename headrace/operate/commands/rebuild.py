"""`headrace rebuild`: rows of the tables from what is written once in S3."""

import msgspec

from headrace.operate.project import told_in_one_line
from headrace.operate.stages import deployed
from headrace.options import command
from headrace.session import Session

_COLUMNS = ("table", "written", "there")


@command("rebuild")
def rebuild(session: Session) -> None:
    """Write lost rows of datasets, models and jobs again.

    From the manifests and plans in S3 and the model packages in SageMaker. Rows that are there stay as they are. What
    only the tables know, definitions and releases first, is to be restored from their point-in-time backup.
    """
    from infra.rebuild import rebuild as rebuild_tables

    with told_in_one_line():
        stage, outputs = deployed(session)
        session.progress.doing("reading manifests")
        done = [msgspec.to_builtins(one) for one in rebuild_tables(stage, outputs)]
        session.show(done, _COLUMNS)
