"""Every minute: whatever a lost event, a crash or a wait left open goes on. Each row for itself."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from chalicelib.training.job import AT_REST, Job
from chalicelib.training.ports import Ports
from chalicelib.training.workflow.deleting import stop_if_deleted
from chalicelib.training.workflow.following import follow
from chalicelib.training.workflow.hearing import hear_version
from chalicelib.training.workflow.judging import judge
from chalicelib.training.workflow.mirroring import mirror
from chalicelib.training.workflow.planning import is_trainable, plan_data, trains_on_new_data
from chalicelib.training.workflow.rejudging import rejudge_pipeline
from chalicelib.training.workflow.submission import start_next
from chalicelib.training.workflow.telling import tell_ended, tell_verdict, tell_waiting

from shared import log
from shared.entities.pipeline import Pipeline
from shared.entities.training import JobState, ModelState, ModelVersion

LONG_WAIT = timedelta(hours=1)
_log = log.logger("training")


def reconcile_rows(ports: Ports) -> None:
    """Bring every open row forward, train data nobody was told of, judge by the gate of now, then submit."""
    deletions = {deletion.pipeline: deletion for deletion in ports.pipelines.deletions()}
    _each_open(ports.jobs, lambda job: reconcile_job(ports, stop_if_deleted(ports, job, deletions)))
    _each_open(ports.models, lambda model: reconcile_model(ports, model))
    _each_open(ports.models, lambda model: mirror(ports, model), "package")
    _each_open(ports.models, lambda model: hear_version(ports, model), "person")
    # One query a minute, not two reads of each pipeline.
    pipelines = ports.pipelines.all()
    _each(pipelines, lambda pipeline: reconcile_pipeline(ports, pipeline))
    _each(pipelines, lambda pipeline: rejudge_pipeline(ports, pipeline))
    # Last, so that slots freed above are used in this minute.
    _each([ports], start_next)
    warn_of_long_waits(ports)


def reconcile_job(ports: Ports, job: Job) -> None:
    """Follow a job that SageMaker has, tell the end of one that has ended."""
    if job.state in AT_REST:
        tell_ended(ports, job)
    elif job.state is not JobState.PENDING:
        follow(ports, job)


def reconcile_model(ports: Ports, model: ModelVersion) -> None:
    """Judge a version nobody judged, tell a verdict nobody heard."""
    if model.state is ModelState.REGISTERED:
        judge(ports, model)
    else:
        tell_verdict(ports, model)


def reconcile_pipeline(ports: Ports, pipeline: Pipeline) -> None:
    """Plan the job of the newest data if its event was lost; older data without a job stays as it is."""
    definition, name = ports.pipelines.definition_of(pipeline), pipeline.pipeline
    # Asked before the rows are read: all versions of a pipeline are many for a minute that has no use for them.
    if not trains_on_new_data(definition):
        return
    ready = ports.datasets.ready(name)
    if not ready or not is_trainable(ready[-1]):
        return
    if not ports.jobs.is_trained(name, ready[-1].version):
        plan_data(ports, definition, ready[-1])


def warn_of_long_waits(ports: Ports) -> None:
    """Count every job that waits for more than an hour for room; what its own pipeline wants is no wait."""
    for job in ports.jobs.line():
        since = max(job.created_at, job.queued_at or "", job.not_before or "")
        if ports.clock() - datetime.fromisoformat(since) > LONG_WAIT:
            tell_waiting(ports, job, job.waiting_reason or "")


def _each_open(rows: Any, reconcile: Callable[[Any], object], *attention: str) -> None:
    """Do *reconcile* for each row that the index shows, as the row is by now; one that cannot be read is one that fails."""

    def read_and_reconcile(seen: Any) -> None:
        row = rows.still_open(seen)
        if row is not None:
            reconcile(row)

    _each(rows.open(*attention), read_and_reconcile)


def _each(rows: Iterable[Any], reconcile: Callable[[Any], object]) -> None:
    """Do *reconcile* for each row; one that fails is logged, tried again in a minute and holds up no other."""
    for row in rows:
        try:
            reconcile(row)
        # A supervisor: also what nobody foresaw, such as an AWS code we do not know, stays with its row.
        except Exception:  # noqa: BLE001
            _log.exception("a row could not be reconciled")
