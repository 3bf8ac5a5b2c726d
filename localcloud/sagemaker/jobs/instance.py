"""The instance a training job runs on: its checkpoints go to S3 while it runs, and a test may take it away."""

import time
from typing import Any

from localcloud.sagemaker.faults import Fault
from localcloud.sagemaker.jobs import training_files
from localcloud.sagemaker.jobs.job_run import JobRun
from localcloud.sagemaker.jobs.outputs import FolderUpload


class Instance:
    """One instance from its start to its end; `is_lost` once spot capacity was taken away."""

    def __init__(self, job: JobRun, s3: Any) -> None:
        self.is_lost = False
        # Asked once per instance: each fault is counted when it is taken.
        self.is_frozen = job.faults.take("freeze", job.name) is not None
        is_spot = bool(job.row.get("EnableManagedSpotTraining"))
        self._interruption = job.faults.take("interrupt", job.name) if is_spot else None
        self._failure = job.faults.take("internal", job.name)
        self._job, self._began = job, time.monotonic()
        folder = training_files.checkpoint_folder(job.base, job.row)
        self._checkpoints = FolderUpload(s3, folder, job.row["CheckpointConfig"]["S3Uri"]) if folder else None

    @property
    def away_s(self) -> float:
        """How long there is no other instance."""
        return self._interruption.away_s if self._interruption else 0.0

    def look(self) -> None:
        """Save the checkpoints that are new, as AWS does all the time; then what a test asks for happens."""
        if self._checkpoints is not None:
            self._checkpoints.synchronise()
        if self._is_time(self._failure):
            self.end()
        if self._is_time(self._interruption) and not self.is_lost:
            self.is_lost = True
            self._job.take_instance()

    def end(self) -> None:
        """Save the last checkpoints; of an instance that is lost nothing can be saved any more."""
        if self._checkpoints is not None and not self.is_lost and not self._job.is_abandoned():
            self._checkpoints.synchronise()
        if self._failure is not None:
            raise self._failure.job_error()

    def _is_time(self, fault: Fault | None) -> bool:
        """Whether the fault is due: with a first checkpoint, or after its time where there are none."""
        if fault is None:
            return False
        if self._checkpoints is not None:
            return self._checkpoints.has_uploaded
        return time.monotonic() - self._began >= fault.after_s
