"""The processes behind one production variant: model on disk, web server up, /ping answered."""

import contextlib
import logging
import shutil
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from localcloud.sagemaker import artifacts, credentials, hosting, images
from localcloud.sagemaker.container import Container, Containers, ContainerSpec
from localcloud.sagemaker.errors import ClientJobError
from localcloud.sagemaker.logs import LogStream
from localcloud.sagemaker.serverless import Serverless
from localcloud.sagemaker.settings import Settings
from localcloud.sagemaker.store import Row, Scope
from localcloud.sagemaker.unix_http import ConnectionPool

_SERVING: Final = Path(__file__).with_name("serving")
_SOCKET: Final = "http.sock"
# AWS's own default for ContainerStartupHealthCheckTimeoutInSeconds is not stated; 8 minutes is its
# documented wait. A server that answers 5xx this often will not recover here, so we say so sooner.
_HEALTH_CHECK_TIMEOUT_S: Final = 480
_FAILED_PINGS: Final = 3
_RESTART_PAUSE_S: Final = 0.5
logger = logging.getLogger(__name__)


class StartFailed(Exception):
    """A variant that did not come up; the text is the endpoint's FailureReason."""


class VariantSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One variant of one endpoint: its configuration and the model as it was when the endpoint was made.

    A transform job's server is one too, with a `log_group` that is not an endpoint's. One that `starts_asleep` has no container before it
    is asked.
    """

    endpoint_name: str
    scope: Scope
    variant: Row
    model: Row
    log_group: str = ""
    starts_asleep: bool = False


class VariantProcess:
    """A variant's web server; `pool` talks to it while it is awake.

    With a place among the serverless ones it sleeps while nobody asks: model, logs and role stay, only the container ends.
    """

    def __init__(
        self,
        spec: VariantSpec,
        settings: Settings,
        containers: Containers,
        serverless: Serverless | None = None,
    ) -> None:
        self._spec, self._settings, self._containers = spec, settings, containers
        self._serverless = serverless
        self.asked_at = time.monotonic()
        self._waiting, self._is_asleep = 0, spec.starts_asleep
        # Held while the container begins or ends: nobody asks one that goes, and none begins beside another.
        self._turn = threading.Lock()
        self.name: str = spec.variant["VariantName"]
        self._work = settings.work / "endpoints" / f"{spec.endpoint_name}-{self.name}-{uuid.uuid4().hex[:8]}"
        self._logs: LogStream | None = None
        self._session: credentials.RoleSession | None = None
        self._container: Container | None = None
        self._container_spec: ContainerSpec | None = None
        self._is_stopped = threading.Event()
        # Set when the container that is kept running shall not be started again.
        self._is_let_go = threading.Event()
        within = spec.endpoint_name if spec.log_group else self.name
        self.log_stream = f"{within}/i-{uuid.uuid4().hex[:17]}"
        self.pool = ConnectionPool(self._work / _SOCKET)

    def start(self) -> None:
        """Download the model, start the server and wait until it is healthy.

        Raises
        ------
        StartFailed
            Download, image or health check failed; nothing is left running.
        """
        # Whatever goes wrong, KeyboardInterrupt included, no half-started server stays behind.
        try:
            self._container_spec = self._prepare()
            with self._turn:
                if not self._is_asleep:
                    self._wake()
        except BaseException:
            self.stop()
            raise

    @contextlib.contextmanager
    def awake(self) -> Iterator[float]:
        """Keep the server awake for one request; give the seconds that waking it took, 0 where it was.

        Raises
        ------
        StartFailed
            It did not come up this time.
        """
        began = time.monotonic()
        with self._turn:
            woken = self._is_asleep and not self._is_stopped.is_set()
            if woken:
                self._wake()
            self._waiting += 1
        try:
            yield time.monotonic() - began if woken else 0.0
        finally:
            with self._turn:
                self._waiting -= 1
                self.asked_at = time.monotonic()

    def sleep(self) -> bool:
        """End the container of a variant that nobody waits for; tell whether there is none now."""
        # Whoever has the turn is about to ask.
        if not self._turn.acquire(blocking=False):
            return False
        try:
            if self._waiting == 0:
                self._let_go()
                self._is_asleep = True
            return self._is_asleep
        finally:
            self._turn.release()

    def is_alive(self) -> bool:
        """Whether the server process still runs."""
        return self._container is not None and self._container.is_running

    def stop(self) -> None:
        """End the server and remove its folder."""
        # First: who waits for its health gives up, and the turn with it.
        self._is_stopped.set()
        with self._turn:
            self._let_go()
        if self._serverless is not None:
            self._serverless.forget(self)
        if self._logs is not None:
            self._logs.close()
        if self._session is not None:
            self._session.forget()
        shutil.rmtree(self._work, ignore_errors=True)

    def _prepare(self) -> ContainerSpec:
        """Put the model on disk and return what to run."""
        model, scope = self._spec.model, self._spec.scope
        container = hosting.container_of(model)
        base = self._work / "ml"
        for folder in ("model", "code"):
            (base / folder).mkdir(parents=True, exist_ok=True)
        session = self._session = credentials.assume_role(
            model["ExecutionRoleArn"], "SageMaker", scope, self._settings.endpoint_url
        )
        image = self._download(session, container, base)
        is_isolated = bool(model.get("EnableNetworkIsolation"))
        self._logs = LogStream(
            session.client("logs", timeout_s=5),
            self._spec.log_group or f"/aws/sagemaker/Endpoints/{self._spec.endpoint_name}",
            self.log_stream,
        )
        return ContainerSpec(
            command=_serve_command(image),
            image=image,
            base=base,
            work=self._work,
            environment={
                # Many endpoints share this machine's ports, so gunicorn is told where to listen from outside.
                "GUNICORN_CMD_ARGS": f"--bind unix:{_SOCKET}",
                **_environment(container, scope, {} if is_isolated else session.environment()),
            },
            is_isolated=is_isolated,
            is_lasting=True,
        )

    def _wake(self) -> None:
        """Start the container, wait until it is healthy and keep it running; with the turn."""
        self._is_let_go = let_go = threading.Event()
        try:
            container = self._run_container()
            self._wait_until_healthy()
        except BaseException:
            self._let_go()
            raise
        keeping = threading.Thread(target=self._keep_running, args=(container, let_go), daemon=True)
        keeping.name = f"keep-{self.name}"
        keeping.start()
        self._is_asleep = False
        if self._serverless is not None:
            self.asked_at = time.monotonic()
            self._serverless.woke(self)

    def _let_go(self) -> None:
        """End the container for good; with the turn."""
        self._is_let_go.set()
        if self._container is not None:
            self._container.kill()
            self._container.wait(5)
            self._container = None
        self.pool.close()

    def _run_container(self) -> Container:
        """Start the server in a container made of what was prepared."""
        if self._container_spec is None or self._logs is None:
            raise RuntimeError("a variant runs only once it is prepared")
        # A socket file of a server that is gone would make the next one's bind fail.
        (self._work / _SOCKET).unlink(missing_ok=True)
        self._container = self._containers.start(self._container_spec, self._logs.write)
        return self._container

    def _keep_running(self, container: Container, let_go: threading.Event) -> None:
        """Start the container again whenever it ends by itself, as SageMaker does."""
        while True:
            code = container.wait()
            if let_go.wait(_RESTART_PAUSE_S):
                return
            with self._turn:
                if let_go.is_set():
                    return
                logger.warning("container of %s ended with %s: started again", self._spec.endpoint_name, code)
                container = self._run_container()

    def _download(self, session: credentials.RoleSession, container: Row, base: Path) -> Path:
        """Put the model in place and return the environment of its image."""
        uri = hosting.model_data_uri(container)
        try:
            image = images.resolve_image(self._settings.images, container["Image"])
            _fetch_model(session.client("s3"), container, base / "model")
        except ClientJobError as error:
            raise StartFailed(str(error).removeprefix("ClientError: ")) from error
        except (ClientError, BotoCoreError, OSError) as error:
            raise StartFailed(
                f"Could not find model data at {uri}. Please ensure that the role can read it: {error}"
            ) from error
        return image

    def _wait_until_healthy(self) -> None:
        """Ask /ping until it answers 200, the time is over or there is no hope."""
        timeout_s = (
            self._spec.variant.get("ContainerStartupHealthCheckTimeoutInSeconds") or _HEALTH_CHECK_TIMEOUT_S
        )
        deadline, failures = time.monotonic() + timeout_s, 0
        while (
            time.monotonic() < deadline
            and failures < _FAILED_PINGS
            and self.is_alive()
            and not self._is_stopped.is_set()
        ):
            status = self.pool.ping()
            if status == 200:
                return
            failures += status is not None
            self._is_stopped.wait(0.05)
        raise StartFailed(
            f"The primary container for production variant {self.name} did not pass the ping health check. "
            "Please check CloudWatch logs for this endpoint."
        )


def _fetch_model(s3: Any, container: Row, folder: Path) -> None:
    """Unpack the model's archive into the folder, or copy its files where they lie there one by one."""
    uri = hosting.model_data_uri(container)
    if not uri:
        return
    if not hosting.is_uncompressed(container):
        artifacts.download_and_extract(s3, uri, folder)
        return
    artifacts.download_folder(s3, uri, folder)
    if not any(folder.iterdir()):
        raise FileNotFoundError("no objects under this prefix")


def _serve_command(image: Path) -> list[str]:
    """Return what the image starts as its server, bound to a socket file instead of port 8080."""
    python = str(image / "bin" / "python")
    own = images.serve_program(image)
    return [python, str(own)] if own else [python, str(_SERVING / "serve.py"), _SOCKET]


def _environment(container: Row, scope: Scope, session: dict[str, str]) -> dict[str, str]:
    return {
        "AWS_REGION": scope.region,
        "AWS_DEFAULT_REGION": scope.region,
        "SAGEMAKER_REGION": scope.region,
        **session,
        **(container.get("Environment") or {}),
    }
