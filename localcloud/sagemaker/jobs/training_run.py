"""What a training job does, step by step: download, train, save checkpoints, upload."""

import shutil
import time
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.sagemaker import artifacts, images
from localcloud.sagemaker.errors import ClientJobError, JobError
from localcloud.sagemaker.jobs import channels, job_status, training_files
from localcloud.sagemaker.jobs.instance import Instance
from localcloud.sagemaker.jobs.job_run import JobRun
from localcloud.sagemaker.jobs.metrics import MetricWatcher
from localcloud.sagemaker.store import Row

LOG_GROUP: Final = "/aws/sagemaker/TrainingJobs"


def train(job: JobRun) -> None:
    """Tell the whole story: files, download, train, upload, end; without its instance all but the last again."""
    image = images.resolve_image(job.settings.images, job.row["AlgorithmSpecification"]["TrainingImage"])
    job.faults.fail("capacity", job.name)
    s3 = job.session.client("s3")
    while not job.is_stopped():
        instance = Instance(job, s3)
        training_files.write_configuration(job.base, job.row, job.host, job.opt_ml)
        _download(job, s3)
        if not job.is_stopped():
            code = _run_program(job, image, instance)
            if not job.is_abandoned() and not instance.is_lost:
                _judge(job, code)
        if not instance.is_lost or not _regain(job, instance):
            break
    if not job.is_abandoned():
        _upload(job, s3)
        _finish(job)


def _regain(job: JobRun, instance: Instance) -> bool:
    """Wait for spot capacity to come back; nothing but the checkpoints outlives an instance."""
    _enter(job, "Interrupted")
    shutil.rmtree(job.base, ignore_errors=True)
    left_s = job.row["CreationTime"] + job.row["StoppingCondition"]["MaxWaitTimeInSeconds"] - time.time()
    if job.wait_until_stopped(max(0.0, min(instance.away_s, left_s))):
        return False
    if instance.away_s >= left_s:
        job.is_wait_over = True
        _enter(job, "Stopping", "Stopping")
        return False
    _enter(job, "Starting")
    return True


def _download(job: JobRun, s3: Any) -> None:
    """Fetch every channel, then the checkpoints of an earlier job."""
    _enter(job, "Downloading")
    for channel in job.row.get("InputDataConfig") or []:
        source = channel["DataSource"]["S3DataSource"]
        sources = channels.list_sources(s3, source, job.row["RoleArn"], job.scope.region)
        folder = job.base / "input" / "data" / channel["ChannelName"]
        channels.download(s3, sources, folder, job.is_stopped)
    training_files.tell_drivers(job.base, job.opt_ml)
    _restore_checkpoints(job, s3)


def _restore_checkpoints(job: JobRun, s3: Any) -> None:
    folder = training_files.checkpoint_folder(job.base, job.row)
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    uri = job.row["CheckpointConfig"]["S3Uri"]
    try:
        artifacts.download_folder(s3, uri, folder)
    except (ClientError, BotoCoreError) as error:
        raise ClientJobError(f"Checkpoint download failed:{uri}: {error}") from error


def _run_program(job: JobRun, image: Path, instance: Instance) -> int:
    """Run the program and return its exit code; its times and metrics go into the row."""
    algorithm = job.row["AlgorithmSpecification"]
    entrypoint = algorithm.get("ContainerEntrypoint") or [
        str(image / "bin" / "python"),
        str(image / "bin" / "train"),
    ]
    spec = job.container_spec(
        image,
        [*entrypoint, *(algorithm.get("ContainerArguments") or [])],
        is_isolated=bool(job.row.get("EnableNetworkIsolation")),
        environment={
            "TRAINING_JOB_NAME": job.row["TrainingJobName"],
            "TRAINING_JOB_ARN": job.row["TrainingJobArn"],
        },
    )
    if instance.is_frozen:
        job.change(lambda row: _begin(row, time.time()))
        job.wait_until_stopped()
        return 0
    metrics = MetricWatcher(algorithm.get("MetricDefinitions") or [])
    started_at = time.time()
    job.change(lambda row: _begin(row, started_at))
    code = job.run_container(
        spec,
        LOG_GROUP,
        on_line=lambda line: metrics.watch(line, time.time()),
        meanwhile=instance.look,
    )
    instance.end()
    job.change(lambda row: _end(row, started_at, metrics.final()))
    return code


def _begin(row: Row, started_at: float) -> None:
    # That of the first instance, and the time it took is that of all.
    row.setdefault("TrainingStartTime", started_at)
    job_status.enter(row, "Training")


def _end(row: Row, started_at: float, metrics: list[dict[str, Any]]) -> None:
    """Write down the times, what is billed, and the metrics."""
    row["TrainingEndTime"] = time.time()
    # AWS bills whole seconds and at least one.
    seconds = row.get("TrainingTimeInSeconds", 0) + max(1, round(row["TrainingEndTime"] - started_at))
    row["TrainingTimeInSeconds"] = row["BillableTimeInSeconds"] = seconds
    row["FinalMetricDataList"] = metrics


def _judge(job: JobRun, code: int) -> None:
    """Raise AlgorithmError when the program failed by itself, in the words of its failure file."""
    if code == 0 or job.is_stopped() or job.is_timed_out:
        return
    failure = job.base / "output" / "failure"
    words = failure.read_text(encoding="utf-8", errors="replace").strip() if failure.exists() else ""
    tail = f", exit code: {code}"
    raise JobError("AlgorithmError", words[: 1024 - len("AlgorithmError: ") - len(tail)] + tail)


def _upload(job: JobRun, s3: Any) -> None:
    """Upload model and output archives; AWS does so for stopped jobs too."""
    _enter(job, "Uploading")
    output = job.row["ModelArtifacts"]["S3ModelArtifacts"].removesuffix("model.tar.gz")
    artifacts.upload_folder_as_tar(s3, job.base / "model", f"{output}model.tar.gz", job.work)
    artifacts.upload_folder_as_tar(s3, job.base / "output" / "data", f"{output}output.tar.gz", job.work)


def _finish(job: JobRun) -> None:
    """Enter the final status: stopped, out of time, or completed."""
    if job.is_stopped():
        _enter(job, "Stopped", "Stopped")
    elif job.is_wait_over:
        _enter(job, "MaxWaitTimeExceeded", "Stopped")
    elif job.is_timed_out:
        _enter(job, "MaxRuntimeExceeded", "Stopped")
    else:
        _enter(job, "Completed", "Completed")


def _enter(job: JobRun, secondary: str, status: str | None = None) -> None:
    job.change(lambda row: job_status.enter(row, secondary, status))
