"""What a processing job does, step by step: download, run, keep the exit message, upload.

An EndOfJob output is uploaded when the program ended by itself with 0, and only then: what a job that
failed, was stopped or ran out of time had written is lost, as on AWS. A Continuous output is looked at
about once a second while the program runs, new and changed files go up at once, and a last time after
the program has ended, however it ended; nothing is ever deleted in S3.
"""

import time
from pathlib import Path
from typing import Any, Final

from localcloud.sagemaker import images
from localcloud.sagemaker.errors import JobError
from localcloud.sagemaker.jobs import channels, job_status, processing_files
from localcloud.sagemaker.jobs.job_limits import folder_at
from localcloud.sagemaker.jobs.job_run import JobRun
from localcloud.sagemaker.jobs.outputs import FolderUpload
from localcloud.sagemaker.store import PROCESSING_JOB, Row

LOG_GROUP: Final = "/aws/sagemaker/ProcessingJobs"


def process(job: JobRun) -> None:
    """Tell the whole story: files, download, run, upload, end."""
    image = images.resolve_image(job.settings.images, job.row["AppSpecification"]["ImageUri"])
    job.faults.fail("capacity", job.name)
    processing_files.write_configuration(job.base, job.row, job.host, job.opt_ml)
    s3 = job.session.client("s3")
    _download(job, s3)
    if job.is_abandoned():
        return
    if not job.is_stopped():
        continuous = _uploads(job, s3, "Continuous")
        code = _run_program(job, image, continuous)
        if job.is_abandoned():
            return
        _synchronise(continuous)
        _keep_exit_message(job)
        _judge(job, code)
        if not (job.is_stopped() or job.is_timed_out):
            _synchronise(_uploads(job, s3, "EndOfJob"))
    # A job out of time is Stopped like one that was told to (SageMaker's SDK warns of exactly that).
    status = "Stopped" if job.is_stopped() or job.is_timed_out else "Completed"
    job.change(lambda row: job_status.move(PROCESSING_JOB, row, status))


def _download(job: JobRun, s3: Any) -> None:
    for source in processing_files.s3_inputs(job.row):
        sources = channels.list_sources(s3, source, job.row["RoleArn"], job.scope.region)
        folder = folder_at(job.base, source["LocalPath"])
        channels.download(s3, sources, folder, job.is_stopped)


def _run_program(job: JobRun, image: Path, continuous: list[FolderUpload]) -> int:
    """Run entrypoint and arguments and return the exit code; the times go into the row."""
    application = job.row["AppSpecification"]
    network = job.row.get("NetworkConfig") or {}
    spec = job.container_spec(
        image,
        [*application["ContainerEntrypoint"], *(application.get("ContainerArguments") or [])],
        is_isolated=bool(network.get("EnableNetworkIsolation")),
        environment={},
    )
    job.change(lambda row: row.update(ProcessingStartTime=time.time()))
    code = job.run_container(spec, LOG_GROUP, meanwhile=lambda: _synchronise(continuous))
    job.change(lambda row: row.update(ProcessingEndTime=time.time()))
    return code


def _uploads(job: JobRun, s3: Any, mode: str) -> list[FolderUpload]:
    """Return the outputs of one S3UploadMode."""
    return [
        FolderUpload(s3, folder_at(job.base, output["LocalPath"]), output["S3Uri"])
        for output in processing_files.s3_outputs(job.row)
        if output["S3UploadMode"] == mode
    ]


def _synchronise(uploads: list[FolderUpload]) -> None:
    for upload in uploads:
        upload.synchronise()


def _keep_exit_message(job: JobRun) -> None:
    message = processing_files.exit_message(job.base)
    if message is not None:
        job.change(lambda row: _set_message(row, message))


def _set_message(row: Row, message: str) -> None:
    row["ExitMessage"] = message


def _judge(job: JobRun, code: int) -> None:
    """Raise AlgorithmError when the program failed by itself; its own words are the ExitMessage."""
    if code != 0 and not (job.is_stopped() or job.is_timed_out):
        # AWS's guide quotes exactly this for processing jobs (2024); before it said "See job logs …".
        raise JobError("AlgorithmError", f", exit code: {code}")
