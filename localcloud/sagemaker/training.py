"""Training jobs as the API sees them: create, describe, list, stop."""

import threading
from collections.abc import Callable
from typing import Any, Final

from localcloud.sagemaker import errors, events, job_status, listing, metrics, training_files
from localcloud.sagemaker.credentials import check_role
from localcloud.sagemaker.settings import Settings
from localcloud.sagemaker.store import TRAINING_JOB, Row, Scope, Store, scope_of
from localcloud.sagemaker.training_run import TrainingRun

_INTERRUPTED: Final = "InternalServerError: We encountered an internal error. Please try again."


class Training:
    """The training half of the control plane; it owns the runs."""

    def __init__(self, store: Store, settings: Settings, *, use_namespaces: bool) -> None:
        self._store, self._settings, self._use_namespaces = store, settings, use_namespaces
        self._runs: dict[str, TrainingRun] = {}
        self._lock = threading.Lock()
        # Taken before any request arrives, so that a new job can never be mistaken for an old one.
        rows = store.rows(TRAINING_JOB)
        self._interrupted = [row["TrainingJobArn"] for row in rows if not job_status.is_terminal(row)]

    def create(self, scope: Scope, request: Row) -> Row:
        """Accept a job and start it; the quota is counted per instance type, as AWS does."""
        training_files.check_local_limits(request)
        metrics.check_definitions(request["AlgorithmSpecification"].get("MetricDefinitions") or [])
        check_role(request["RoleArn"], scope)
        # Counting and adding are one step: two requests at once must not both take the last instance.
        with self._lock:
            self._check_quota(scope, request["ResourceConfig"]["InstanceType"])
            row = self._store.create(TRAINING_JOB, scope, request, **_first_members(request))
        row = self._edit(scope, row["TrainingJobName"], lambda row: job_status.enter(row, "Starting"))
        self._start(scope, row)
        return {"TrainingJobArn": row["TrainingJobArn"]}

    def describe(self, scope: Scope, request: Row) -> Row:
        """Return a job."""
        return self._store.get(TRAINING_JOB, scope, request["TrainingJobName"])

    def list_jobs(self, scope: Scope, request: Row) -> Row:
        """Return a page of jobs."""
        page, token = listing.list_page(TRAINING_JOB, self._store.rows(TRAINING_JOB, scope), request)
        return {"TrainingJobSummaries": page, "NextToken": token}

    def stop(self, scope: Scope, request: Row) -> Row:
        """Ask a running job to stop; a job that has ended refuses, one that stops already does not."""
        row = self._edit(scope, request["TrainingJobName"], _begin_stopping)
        run = self._runs.get(row["TrainingJobArn"])
        if run is not None:
            run.stop()
        return {}

    def fail_interrupted(self) -> None:
        """End the jobs of a server that is gone: their processes are, and AWS would say the same."""
        for arn in self._interrupted:
            self._edit(scope_of(arn), arn, lambda row: job_status.fail(row, _INTERRUPTED))

    def shut_down(self) -> None:
        """Kill what runs; rows keep their state, `fail_interrupted` of the next server ends them."""
        for run in list(self._runs.values()):
            run.kill()

    def _start(self, scope: Scope, row: Row) -> None:
        """Give the job a run of its own."""
        name, arn = row["TrainingJobName"], row["TrainingJobArn"]
        run = TrainingRun(
            row,
            scope,
            self._settings,
            edit=lambda change: self._edit(scope, name, change),
            on_end=lambda: self._runs.pop(arn, None),
            use_namespaces=self._use_namespaces,
        )
        self._runs[arn] = run
        run.thread.start()

    def _edit(self, scope: Scope, name: str, change: Callable[[Row], None]) -> Row:
        """Change a job's row; every new secondary status is an event."""
        before: list[int] = []

        def _counted(row: Row) -> None:
            before.append(len(row.get("SecondaryStatusTransitions", [])))
            change(row)

        row = self._store.change(TRAINING_JOB, scope, name, _counted)
        if len(row.get("SecondaryStatusTransitions", [])) > before[0]:
            tags = self._store.tags(row["TrainingJobArn"])
            events.emit(events.event_record(TRAINING_JOB, row, tags, scope))
        return row

    def _check_quota(self, scope: Scope, instance_type: str) -> None:
        """Raise when the instance type is used up by jobs that have not ended."""
        rows = self._store.rows(TRAINING_JOB, scope)
        active = [row for row in rows if not job_status.is_terminal(row)]
        in_use = sum(row["ResourceConfig"]["InstanceType"] == instance_type for row in active)
        limit = self._settings.training_instances
        if in_use >= limit:
            raise errors.limit_exceeded(instance_type, limit, in_use)


def _first_members(request: Row) -> dict[str, Any]:
    folder = f"{request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{request['TrainingJobName']}/output"
    return {
        "TrainingJobStatus": "InProgress",
        "SecondaryStatus": "Starting",
        "ModelArtifacts": {"S3ModelArtifacts": f"{folder}/model.tar.gz"},
        "StoppingCondition": request.get("StoppingCondition") or {"MaxRuntimeInSeconds": 86400},
        "EnableNetworkIsolation": bool(request.get("EnableNetworkIsolation")),
        "EnableManagedSpotTraining": bool(request.get("EnableManagedSpotTraining")),
        "EnableInterContainerTrafficEncryption": bool(request.get("EnableInterContainerTrafficEncryption")),
    }


def _begin_stopping(row: Row) -> None:
    status = row["TrainingJobStatus"]
    if job_status.is_terminal(row):
        raise errors.validation(f"The request was rejected because the training job is in status {status}.")
    if status != "Stopping":
        job_status.enter(row, "Stopping", "Stopping")
