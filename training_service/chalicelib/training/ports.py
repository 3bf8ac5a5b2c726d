"""What the workflows are given: every adapter and every setting they need, in one frozen value."""

from collections.abc import Callable

import msgspec
from chalicelib.training.job_files import JobFiles
from chalicelib.training.job_rows import JobRows
from chalicelib.training.logs import TrainingLogs
from chalicelib.training.model_files import ModelFiles
from chalicelib.training.model_rows import ModelRows
from chalicelib.training.pacing_rows import PacingRows
from chalicelib.training.packages import ModelPackages
from chalicelib.training.request import Place
from chalicelib.training.sagemaker import SageMakerJobs

from shared.bus import Bus
from shared.clock import Clock
from shared.objects import Bucket
from shared.readers import Datasets, Pipelines, Releases
from shared.signing import SigningKey


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """``jitter`` returns a number from [0, 1); ``max_jobs`` is this stage's quota of active training jobs."""

    jobs: JobRows
    pacing: PacingRows
    models: ModelRows
    pipelines: Pipelines
    datasets: Datasets
    releases: Releases
    job_files: JobFiles
    model_files: ModelFiles
    staging: Bucket
    sagemaker: SageMakerJobs
    packages: ModelPackages
    signer: SigningKey
    logs: TrainingLogs
    bus: Bus
    clock: Clock
    jitter: Callable[[], float]
    place: Place
    recipes: dict[str, str]
    image_uri: str
    max_jobs: int
