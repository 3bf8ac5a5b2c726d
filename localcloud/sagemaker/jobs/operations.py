"""Jobs as the API sees them, whatever they run: create, describe, list, stop."""

import threading
from collections.abc import Callable
from typing import Any, Final

import msgspec

from localcloud.sagemaker import errors, events, listing
from localcloud.sagemaker.container import Containers
from localcloud.sagemaker.credentials import check_role
from localcloud.sagemaker.faults import Faults
from localcloud.sagemaker.jobs import job_status
from localcloud.sagemaker.jobs.job_run import JobRun
from localcloud.sagemaker.settings import Settings
from localcloud.sagemaker.store import TRANSFORM_JOB, Kind, Row, Scope, Store, Table, scope_of

_INTERRUPTED: Final = "InternalServerError: We encountered an internal error. Please try again."


class JobType(msgspec.Struct, frozen=True, kw_only=True):
    """What sets one kind of job apart from the others.

    `check` refuses a request that one machine cannot do, `first_members` is what a new row holds
    beside the request, `resources` finds the member with InstanceType and InstanceCount,
    `quota` the most instances of a type at once, `usage` which of AWS's quotas counts them, `story` runs a job
    from start to end, and `look_up` finds what a new row must know of other resources.
    """

    kind: Kind
    check: Callable[[Row], None]
    first_members: Callable[[Row], dict[str, Any]]
    resources: Callable[[Row], Row]
    quota: Callable[[Settings], int]
    usage: Callable[[Row], str]
    story: Callable[[JobRun], None]
    look_up: Callable[[Store, Scope, Row], dict[str, Any]] = lambda _store, _scope, _request: {}


class Jobs:
    """One kind of job in the control plane; it owns the runs."""

    def __init__(
        self, store: Store, settings: Settings, job_type: JobType, *, faults: Faults, containers: Containers
    ) -> None:
        self._store, self._settings, self._containers = store, settings, containers
        self._faults = faults
        self._type, self._kind = job_type, job_type.kind
        self._runs: dict[str, JobRun] = {}
        self._lock = threading.Lock()
        # Taken before any request arrives, so that a new job can never be mistaken for an old one.
        self._interrupted = [row[self._kind.arn_member] for row in self._active(store.rows(self._kind))]

    def operations(self) -> Table:
        """Return the operations on this kind of job."""
        name = self._kind.name
        table: Table = {
            f"Create{name}": self.create,
            f"Describe{name}": self.describe,
            f"List{name}s": self.list_jobs,
            f"Stop{name}": self.stop,
        }
        # AWS forgets transform jobs by itself; there is no operation for it.
        return table if self._kind is TRANSFORM_JOB else table | {f"Delete{name}": self.delete}

    def create(self, scope: Scope, request: Row) -> Row:
        """Accept a job and start it; the quota is counted per instance type, as AWS does."""
        self._type.check(request)
        found = self._type.look_up(self._store, scope, request)
        check_role(found.get("_RoleArn") or request["RoleArn"], scope)
        # Counting and adding are one step: two requests at once must not both take the last instance.
        with self._lock:
            self._check_quota(scope, request)
            first = self._type.first_members(request) | found
            row = self._store.create(self._kind, scope, request, **first)
        self._tell(scope, row)
        self._start(scope, row)
        return {self._kind.arn_member: row[self._kind.arn_member]}

    def describe(self, scope: Scope, request: Row) -> Row:
        """Return a job."""
        return self._store.get(self._kind, scope, request[self._kind.name_member])

    def list_jobs(self, scope: Scope, request: Row) -> Row:
        """Return a page of jobs."""
        page, token = listing.list_page(self._kind, self._store.rows(self._kind, scope), request)
        return {f"{self._kind.name}Summaries": page, "NextToken": token}

    def stop(self, scope: Scope, request: Row) -> Row:
        """Ask a running job to stop; a job that has ended refuses, one that stops already does not."""
        name = request[self._kind.name_member]
        row = self._edit(scope, name, lambda row: job_status.begin_stopping(self._kind, row))
        run = self._runs.get(row[self._kind.arn_member])
        if run is not None:
            run.stop()
        return {}

    def delete(self, scope: Scope, request: Row) -> Row:
        """Forget a job that has ended; its name may be taken again."""
        name = request[self._kind.name_member]
        status = job_status.status_of(self._kind, self._store.get(self._kind, scope, name))
        if status not in job_status.TERMINAL:
            raise errors.validation(
                f"The request was rejected because the {self._kind.noun} is in status {status}."
            )
        self._store.delete(self._kind, scope, name)
        return {}

    def fail_interrupted(self) -> None:
        """End the jobs of a server that is gone: their processes are, and AWS would say the same."""
        for arn in self._interrupted:
            self._edit(scope_of(arn), arn, lambda row: job_status.fail(self._kind, row, _INTERRUPTED))

    def shut_down(self) -> None:
        """Kill what runs; rows keep their state, `fail_interrupted` of the next server ends them."""
        for run in list(self._runs.values()):
            run.kill()

    def _start(self, scope: Scope, row: Row) -> None:
        """Give the job a run of its own."""
        name, arn = row[self._kind.name_member], row[self._kind.arn_member]
        run = JobRun(
            row,
            self._settings,
            kind=self._kind,
            story=self._type.story,
            edit=lambda change: self._edit(scope, name, change),
            on_end=lambda: self._after(scope, name, arn),
            faults=self._faults,
            containers=self._containers,
        )
        self._runs[arn] = run
        run.thread.start()

    def _after(self, scope: Scope, name: str, arn: str) -> None:
        self._runs.pop(arn, None)
        if self._faults.take("vanish", name):
            self._store.delete(self._kind, scope, name)

    def _edit(self, scope: Scope, name: str, change: Callable[[Row], None]) -> Row:
        """Change a job's row; every new status is an event."""
        before: list[tuple[str, int]] = []

        def _noted(row: Row) -> None:
            before.append(job_status.position(self._kind, row))
            change(row)

        row = self._store.change(self._kind, scope, name, _noted)
        if job_status.position(self._kind, row) != before[0]:
            self._tell(scope, row)
        return row

    def _tell(self, scope: Scope, row: Row) -> None:
        """Emit the event of the job's present state."""
        tags = self._store.tags(row[self._kind.arn_member])
        status = job_status.status_of(self._kind, row)
        for _ in range(self._faults.copies_of_event(row[self._kind.name_member], status)):
            events.emit(events.event_record(self._kind, row, tags, scope))

    def _check_quota(self, scope: Scope, request: Row) -> None:
        """Raise when the quota of the request's instance type is used up by jobs that have not ended."""
        quota = self._quota_name(request)
        self._faults.refuse_instance(request[self._kind.name_member], quota, self._kind)
        active = self._active(self._store.rows(self._kind, scope))
        in_use = sum(self._quota_name(row) == quota for row in active)
        limit = self._type.quota(self._settings)
        if in_use >= limit:
            raise errors.limit_exceeded(quota, limit, in_use)

    def _quota_name(self, job: Row) -> str:
        return f"{self._type.resources(job)['InstanceType']} for {self._type.usage(job)} usage"

    def _active(self, rows: list[Row]) -> list[Row]:
        return [row for row in rows if not job_status.is_terminal(self._kind, row)]
