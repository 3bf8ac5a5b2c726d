"""One job from start to end, in a thread of its own: what jobs of every kind share."""

import functools
import logging
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from localcloud.sagemaker import credentials
from localcloud.sagemaker.container import Container, Containers, ContainerSpec
from localcloud.sagemaker.errors import JobError
from localcloud.sagemaker.faults import Faults
from localcloud.sagemaker.jobs import job_status
from localcloud.sagemaker.logs import LogStream
from localcloud.sagemaker.settings import Settings
from localcloud.sagemaker.store import Kind, Row, scope_of

_ONE_DAY_S: Final = 86400
# How often a job looks after what it does while its program runs.
_LOOK_EVERY_S: Final = 1.0
# SIGKILL's exit code as a shell and Docker report it, for a program that was not stopped by us.
_SIGNAL_EXIT: Final = 128
logger = logging.getLogger(__name__)

Change = Callable[[Row], None]


class JobRun:
    """A job that runs: told to stop by anybody, changed only through `edit`, which also tells the bus.

    `story` is what this kind of job does, step by step; it gets the run and everything it needs from it:
    the row, a role session, the folder that becomes /opt/ml, and `run_container`.
    """

    def __init__(
        self,
        row: Row,
        settings: Settings,
        *,
        kind: Kind,
        story: Callable[["JobRun"], None],
        edit: Callable[[Change], Row],
        on_end: Callable[[], object],
        faults: Faults,
        containers: Containers,
    ) -> None:
        self.faults = faults
        self.row, self.settings, self.kind = row, settings, kind
        self.scope = scope_of(row[kind.arn_member])
        self.name = str(row[kind.name_member])
        self._story, self._edit, self._on_end, self.containers = story, edit, on_end, containers
        # The kind is part of it: a training and a processing job may have one name.
        folder = f"{kind.arn_word}-{self.scope.account}-{self.scope.region}-{self.name}"
        self.work = settings.work / "jobs" / folder
        self.base = self.work / "ml"
        self.is_timed_out = self.is_wait_over = False
        self._ran_s = 0.0
        self._abandoned, self._stopped = threading.Event(), threading.Event()
        self._container: Container | None = None
        self._guard = threading.Lock()
        self._logs: LogStream | None = None
        self.thread = threading.Thread(target=self._supervise, name=f"job-{self.name}", daemon=True)

    @functools.cached_property
    def session(self) -> credentials.RoleSession:
        """The session of the job's role: everything the job does on AWS it does with this one."""
        return credentials.assume_role(self.role_arn, "SageMaker", self.scope, self.settings.endpoint_url)

    @property
    def role_arn(self) -> str:
        """The job's own role, or that of the model it asks."""
        return str(self.row.get("_RoleArn") or self.row["RoleArn"])

    @property
    def host(self) -> str:
        """The name the container knows itself by; without mounts that is this machine's own."""
        return "algo-1" if self.containers.use_namespaces else "localhost"

    @property
    def opt_ml(self) -> str:
        """Where the container sees `base`: /opt/ml, or the folder itself where nothing can be mounted."""
        return "/opt/ml" if self.containers.use_namespaces else str(self.base)

    def is_abandoned(self) -> bool:
        """Tell whether the server ends: a story that sees this returns at once and leaves everything as it is."""
        return self._abandoned.is_set()

    def is_stopped(self) -> bool:
        """Tell whether somebody asked the job to end."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Ask the job to end; returns at once."""
        self._stopped.set()
        with self._guard:
            container = self._container
        if container is not None:
            threading.Thread(target=container.stop, args=(self.settings.stop_grace_s,), daemon=True).start()

    def wait_until_stopped(self, timeout_s: float | None = None) -> bool:
        """Wait until somebody asks the job to end, or the time is over; tell whether somebody did."""
        return self._stopped.wait(timeout_s)

    def take_instance(self) -> None:
        """End the container at once, as when spot capacity is taken away; the job itself goes on."""
        with self._guard:
            if self._container is not None:
                self._container.kill()

    def kill(self) -> None:
        """End the container now, because the server ends; the row stays as it is."""
        self._abandoned.set()
        self._stopped.set()
        with self._guard:
            if self._container is not None:
                self._container.kill()

    def change(self, change: Change) -> None:
        """Change the job's row; the next server finds an abandoned job as it was, and ends it."""
        if not self.is_abandoned():
            self._edit(change)

    def container_spec(
        self, image: Path, command: Sequence[str], *, is_isolated: bool, environment: Mapping[str, str]
    ) -> ContainerSpec:
        """Return the container of this job: its command in the image, with what every job's program gets.

        The request's own Environment comes last; an isolated program gets no credentials.
        """
        return ContainerSpec(
            command=command,
            image=image,
            base=self.base,
            work=self.work,
            environment={
                "AWS_REGION": self.scope.region,
                "AWS_DEFAULT_REGION": self.scope.region,
                **environment,
                **({} if is_isolated else self.session.environment()),
                **(self.row.get("Environment") or {}),
            },
            is_isolated=is_isolated,
        )

    def run_container(
        self,
        spec: ContainerSpec,
        log_group: str,
        *,
        on_line: Callable[[str], None] = lambda _: None,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> int:
        """Run the container to its end or the job's time limit and return its exit code.

        Every line goes to the job's log stream and to `on_line`; `meanwhile` is called again and again.
        """
        logs = self._logs = LogStream(
            self.session.client("logs", timeout_s=5), log_group, f"{self.name}/algo-1-{int(time.time())}"
        )

        def _take_line(line: str) -> None:
            logs.write(line)
            on_line(line)

        with self._guard:
            container = self._container = self.containers.start(spec, _take_line)
        began = time.monotonic()
        # Whoever stopped the job before there was a container did not find one to stop.
        if self.is_stopped():
            self.stop()
        code = _wait(container, self._limit_s() - self._ran_s, meanwhile)
        if code is None:
            self.is_timed_out = True
            container.stop(self.settings.stop_grace_s)
            code = container.wait()
        self._ran_s += time.monotonic() - began
        # All lines are there before the status that makes somebody look for them.
        logs.close()
        return code if code is not None and code >= 0 else _SIGNAL_EXIT - (code or 0)

    def _supervise(self) -> None:
        """Run the job and turn whatever goes wrong into a FailureReason; nothing of it stays behind."""
        try:
            shutil.rmtree(self.work, ignore_errors=True)
            self._story(self)
        except JobError as error:
            self._fail(error.reason)
        except Exception as error:
            logger.exception("%s %s", self.kind.noun, self.name)
            self._fail(
                f"InternalServerError: We encountered an internal error. Please try again. ({error})"[:1024]
            )
        finally:
            self._clean_up()

    def _clean_up(self) -> None:
        # The story may have failed while its program runs (a Continuous upload that S3 refuses).
        if self._container is not None and self._container.is_running:
            self._container.kill()
            self._container.wait(timeout_s=5)
        if self._logs is not None:
            self._logs.close()
        self.session.forget()
        shutil.rmtree(self.work, ignore_errors=True)
        self._on_end()

    def _limit_s(self) -> float:
        condition = self.row.get("StoppingCondition") or {}
        return float(condition.get("MaxRuntimeInSeconds", _ONE_DAY_S))

    def _fail(self, reason: str) -> None:
        self.change(lambda row: job_status.fail(self.kind, row, reason))


def _wait(container: Container, limit_s: float, meanwhile: Callable[[], None]) -> int | None:
    """Return the exit code, or None when the time is over; `meanwhile` runs about once a second."""
    deadline = time.monotonic() + limit_s
    while (left_s := deadline - time.monotonic()) > 0:
        code = container.wait(min(left_s, _LOOK_EVERY_S))
        if code is not None:
            return code
        meanwhile()
    return None
