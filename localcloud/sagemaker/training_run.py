"""One training job from start to end, step by step, in a thread of its own."""

import logging
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.sagemaker import artifacts, channels, credentials, images, job_status, training_files
from localcloud.sagemaker.container import Container, ContainerSpec
from localcloud.sagemaker.errors import ClientJobError, JobError
from localcloud.sagemaker.logs import LogStream
from localcloud.sagemaker.metrics import MetricWatcher
from localcloud.sagemaker.settings import Settings
from localcloud.sagemaker.store import Row, Scope

LOG_GROUP: Final = "/aws/sagemaker/TrainingJobs"
_ONE_DAY_S: Final = 86400
# SIGKILL's exit code as a shell and Docker report it, for a program that was not stopped by us.
_SIGNAL_EXIT: Final = 128
logger = logging.getLogger(__name__)

Edit = Callable[[Callable[[Row], None]], Row]


class TrainingRun:
    """A job that runs: told to stop by anybody, changed only through `edit`, which also tells the bus."""

    def __init__(
        self,
        row: Row,
        scope: Scope,
        settings: Settings,
        *,
        edit: Edit,
        on_end: Callable[[], object],
        use_namespaces: bool,
    ) -> None:
        self._row, self._scope, self._settings = row, scope, settings
        self._edit, self._on_end, self._use_namespaces = edit, on_end, use_namespaces
        self._abandoned = threading.Event()
        self._work = settings.work / "jobs" / f"{scope.account}-{scope.region}-{row['TrainingJobName']}"
        self._base = self._work / "ml"
        self._stopped = threading.Event()
        self._timed_out = False
        self._container: Container | None = None
        self._guard = threading.Lock()
        self._logs: LogStream | None = None
        self._session: credentials.RoleSession | None = None
        self._metrics = MetricWatcher(row["AlgorithmSpecification"].get("MetricDefinitions") or [])
        self.thread = threading.Thread(
            target=self._supervise, name=f"job-{row['TrainingJobName']}", daemon=True
        )

    def stop(self) -> None:
        """Ask the job to end; returns at once."""
        self._stopped.set()
        with self._guard:
            container = self._container
        if container is not None:
            threading.Thread(target=container.stop, args=(self._settings.stop_grace_s,), daemon=True).start()

    def kill(self) -> None:
        """End the container now, because the server ends; the row stays as it is."""
        self._abandoned.set()
        self._stopped.set()
        with self._guard:
            if self._container is not None:
                self._container.kill()

    def _supervise(self) -> None:
        """Run the job and turn whatever goes wrong into a FailureReason; nothing of it stays behind."""
        try:
            self._run()
        except JobError as error:
            self._fail(error.reason)
        except Exception as error:
            logger.exception("training job %s", self._row["TrainingJobName"])
            self._fail(
                f"InternalServerError: We encountered an internal error. Please try again. ({error})"[:1024]
            )
        finally:
            if self._logs is not None:
                self._logs.close()
            if self._session is not None:
                self._session.forget()
            shutil.rmtree(self._work, ignore_errors=True)
            self._on_end()

    def _run(self) -> None:
        """Tell the whole story: files, download, train, upload, end."""
        image = images.resolve_image(
            self._settings.images, self._row["AlgorithmSpecification"]["TrainingImage"]
        )
        shutil.rmtree(self._work, ignore_errors=True)
        # Without mounts the container sees this machine: its own host name, and the folder where it is.
        host, opt_ml = ("algo-1", "/opt/ml") if self._use_namespaces else ("localhost", str(self._base))
        training_files.write_configuration(self._base, self._row, host, opt_ml)
        session = self._session = credentials.assume_role(
            self._row["RoleArn"], "SageMaker", self._scope, self._settings.endpoint_url
        )
        s3 = session.client("s3")
        self._download(s3)
        if self._abandoned.is_set():
            return
        if not self._stopped.is_set():
            code = self._train(image, session)
            if self._abandoned.is_set():
                return
            # AWS synchronises checkpoints all the time, so a failed job has saved its own too.
            self._save_checkpoints(s3)
            self._judge(code)
        self._upload(s3)
        self._finish()

    def _download(self, s3: Any) -> None:
        """Fetch every channel, then the checkpoints of an earlier job."""
        self._enter("Downloading")
        for channel in self._row.get("InputDataConfig") or []:
            sources = channels.list_sources(s3, channel, self._row["RoleArn"], self._scope.region)
            folder = self._base / "input" / "data" / channel["ChannelName"]
            channels.download(s3, sources, folder, self._stopped.is_set)
        self._restore_checkpoints(s3)

    def _restore_checkpoints(self, s3: Any) -> None:
        folder = training_files.checkpoint_folder(self._base, self._row)
        if folder is None:
            return
        folder.mkdir(parents=True, exist_ok=True)
        uri = self._row["CheckpointConfig"]["S3Uri"]
        try:
            artifacts.download_folder(s3, uri, folder)
        except (ClientError, BotoCoreError) as error:
            raise ClientJobError(f"Checkpoint download failed:{uri}: {error}") from error

    def _train(self, image: Path, session: credentials.RoleSession) -> int:
        """Run the container to its end or its time limit and return its exit code."""
        name = self._row["TrainingJobName"]
        self._logs = LogStream(
            session.client("logs", timeout_s=5), LOG_GROUP, f"{name}/algo-1-{int(time.time())}"
        )
        started_at = time.time()
        self._change(lambda row: self._begin_training(row, started_at))
        with self._guard:
            self._container = Container(
                self._container_spec(image, session),
                use_namespaces=self._use_namespaces,
                on_line=self._take_line,
            )
        if self._stopped.is_set():
            self.stop()
        limit_s = (self._row.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds", _ONE_DAY_S)
        code = self._container.wait(limit_s)
        if code is None:
            self._timed_out = True
            self._container.stop(self._settings.stop_grace_s)
            code = self._container.wait()
        self._change(lambda row: self._end_training(row, started_at))
        return code if code is not None and code >= 0 else _SIGNAL_EXIT - (code or 0)

    def _container_spec(self, image: Path, session: credentials.RoleSession) -> ContainerSpec:
        algorithm = self._row["AlgorithmSpecification"]
        entrypoint = algorithm.get("ContainerEntrypoint") or [
            str(image / "bin" / "python"),
            str(image / "bin" / "train"),
        ]
        is_isolated = bool(self._row.get("EnableNetworkIsolation"))
        return ContainerSpec(
            command=[*entrypoint, *(algorithm.get("ContainerArguments") or [])],
            image=image,
            base=self._base,
            work=self._work,
            environment={
                "AWS_REGION": self._scope.region,
                "AWS_DEFAULT_REGION": self._scope.region,
                "TRAINING_JOB_NAME": self._row["TrainingJobName"],
                "TRAINING_JOB_ARN": self._row["TrainingJobArn"],
                **({} if is_isolated else session.environment()),
                **(self._row.get("Environment") or {}),
            },
            is_isolated=is_isolated,
        )

    def _judge(self, code: int) -> None:
        """Raise AlgorithmError when the program failed by itself, in the words of its failure file."""
        if code == 0 or self._stopped.is_set() or self._timed_out:
            return
        failure = self._base / "output" / "failure"
        words = failure.read_text(encoding="utf-8", errors="replace").strip() if failure.exists() else ""
        tail = f", exit code: {code}"
        raise JobError("AlgorithmError", words[: 1024 - len("AlgorithmError: ") - len(tail)] + tail)

    def _upload(self, s3: Any) -> None:
        """Upload model and output archives; AWS does so for stopped jobs too."""
        self._enter("Uploading")
        output = self._row["ModelArtifacts"]["S3ModelArtifacts"].removesuffix("model.tar.gz")
        artifacts.upload_folder_as_tar(s3, self._base / "model", f"{output}model.tar.gz", self._work)
        artifacts.upload_folder_as_tar(
            s3, self._base / "output" / "data", f"{output}output.tar.gz", self._work
        )

    def _save_checkpoints(self, s3: Any) -> None:
        folder = training_files.checkpoint_folder(self._base, self._row)
        if folder is not None:
            artifacts.upload_folder(s3, folder, self._row["CheckpointConfig"]["S3Uri"])

    def _finish(self) -> None:
        """Enter the final status: stopped, out of time, or completed."""
        if self._stopped.is_set():
            self._enter("Stopped", "Stopped")
        elif self._timed_out:
            self._enter("MaxRuntimeExceeded", "Stopped")
        else:
            self._enter("Completed", "Completed")

    def _take_line(self, line: str) -> None:
        """Ship one line of output and look for metrics in it."""
        if self._logs is not None:
            self._logs.write(line)
        self._metrics.watch(line, time.time())

    def _begin_training(self, row: Row, started_at: float) -> None:
        row["TrainingStartTime"] = started_at
        job_status.enter(row, "Training")

    def _end_training(self, row: Row, started_at: float) -> None:
        """Write down the times, what is billed, and the metrics."""
        row["TrainingEndTime"] = time.time()
        # AWS bills whole seconds and at least one.
        seconds = max(1, round(row["TrainingEndTime"] - started_at))
        row["TrainingTimeInSeconds"] = row["BillableTimeInSeconds"] = seconds
        row["FinalMetricDataList"] = self._metrics.final()

    def _enter(self, secondary: str, status: str | None = None) -> None:
        self._change(lambda row: job_status.enter(row, secondary, status))

    def _fail(self, reason: str) -> None:
        self._change(lambda row: job_status.fail(row, reason))

    def _change(self, change: Callable[[Row], None]) -> None:
        # The next server finds an abandoned job as it was, and ends it.
        if not self._abandoned.is_set():
            self._edit(change)
