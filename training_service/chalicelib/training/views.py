"""What the REST API takes and answers."""

from typing import Annotated, Any

import msgspec
from chalicelib.training.job import Job, sagemaker_name
from chalicelib.training.reproduction import Reproduction
from msgspec import Meta

from shared.entities.pipeline import Name
from shared.entities.training import (
    JobPurpose,
    Judgement,
    ModelState,
    ModelVersion,
    Verdict,
)


class NewTrainingJob(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask for a training: of the newest dataset version unless one is named; ``retry`` revives a job that ended.

    ``job_id`` names the job to revive, whatever champion is live by now.
    """

    pipeline: Name
    job_id: Annotated[str, Meta(pattern="^[0-9a-f]{20}$")] | None = None
    dataset_version: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    retry: bool = False


class PersonsDecision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a person approves or rejects; it stays on record."""

    reason: Annotated[str, Meta(min_length=1, max_length=500)]


class NewRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A recipe folder, packed, that is about to be sent: the SHA-256 of its bytes."""

    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class RecipeForm(msgspec.Struct, frozen=True, kw_only=True):
    """Where to POST the tarball, and the form fields that go with it, before the field ``file``."""

    url: str
    fields: dict[str, str]


class PushedRecipe(msgspec.Struct, frozen=True, kw_only=True):
    """What a pipeline names as ``model.recipe``; ``upload`` is None where the recipe is stored already."""

    recipe: str
    upload: RecipeForm | None
    expires_at: str | None
    max_bytes: int


class JobView(msgspec.Struct, frozen=True, kw_only=True):
    """A training job; ``version`` is the model version it became, ``sagemaker_job`` the name of its last attempt.

    ``purpose`` is ``train``, ``evaluate`` (compare ``subject`` with the live version again) or ``reproduce``.
    ``reason`` says why it ended without a model and ``log_tail`` what it printed last; ``not_before`` is when its
    pipeline lets it start, ``superseded_by`` the job that trains its data instead.
    """

    job_id: str
    pipeline: str
    purpose: JobPurpose
    subject: str | None
    state: str
    attempt: int
    waiting_reason: str | None
    reason: str | None
    dataset_version: str
    version: str | None
    sagemaker_job: str
    created_at: str
    updated_at: str
    started_at: str | None
    ended_at: str | None
    dataset_versions: tuple[str, ...] = ()
    max_attempts: int = 1
    not_before: str | None = None
    superseded_by: str | None = None
    log_tail: tuple[str, ...] = ()


class JobList(msgspec.Struct, frozen=True, kw_only=True):
    """Training jobs, newest first; ``next`` is the cursor of the next page."""

    jobs: tuple[JobView, ...]
    next: str | None = None


class LogView(msgspec.Struct, frozen=True, kw_only=True):
    """The last lines of a job's container, oldest first; ``next`` is the cursor of what it will write after them."""

    lines: tuple[str, ...]
    next: str | None = None


class ModelView(msgspec.Struct, frozen=True, kw_only=True):
    """A model version, its metrics on the judged rows and how each gate clause was judged."""

    pipeline: str
    version: str
    state: ModelState
    reasons: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    metrics: dict[str, float]
    job_id: str
    dataset_version: str
    evaluated_champion: str | None
    artifact_sha256: str
    created_at: str


class ModelDetails(ModelView, frozen=True, kw_only=True):
    """A model version with every decision about it, oldest first, and what a prediction request must look like."""

    task: str
    trained_through: str | None
    judgements: tuple[Judgement, ...]
    inputs: dict[str, Any]
    updated_at: str


class ModelList(msgspec.Struct, frozen=True, kw_only=True):
    """Model versions, newest first; ``next`` is the cursor of the next page."""

    versions: tuple[ModelView, ...]
    next: str | None = None


class CardView(msgspec.Struct, frozen=True, kw_only=True):
    """The model card as Markdown."""

    markdown: str


class ExportView(msgspec.Struct, frozen=True, kw_only=True):
    """Where another form of the model can be fetched for a while, and what its bytes must be."""

    url: str
    expires_in_s: int
    sha256: str
    size_bytes: int


class ReproductionView(msgspec.Struct, frozen=True, kw_only=True):
    """A training that repeats a model version's; ``report`` is there once the job has SUCCEEDED."""

    job_id: str
    state: str
    reason: str | None
    report: Reproduction | None = None


def job_view(stage: str, job: Job) -> JobView:
    """Return *job* as the API shows it; a number taken for a model that never came is not shown."""
    return JobView(
        job_id=job.job_id,
        pipeline=job.pipeline,
        purpose=job.purpose,
        subject=job.subject,
        state=job.state,
        attempt=job.attempt,
        waiting_reason=job.waiting_reason,
        reason=job.reason,
        dataset_version=job.dataset_version,
        version=f"v{job.number}" if job.state == "SUCCEEDED" and job.number else None,
        sagemaker_job=sagemaker_name(stage, job.job_id, job.attempt),
        created_at=job.created_at,
        updated_at=job.updated_at,
        started_at=job.started_at,
        ended_at=job.ended_at,
        dataset_versions=job.dataset_versions,
        max_attempts=job.max_attempts,
        not_before=job.not_before,
        superseded_by=job.superseded_by,
        log_tail=job.log_tail,
    )


def model_view[T: ModelView](model: ModelVersion, kind: type[T]) -> T:
    """Return *model* as a *kind*: the short or the long view."""
    names = [field.name for field in msgspec.structs.fields(kind)]
    return kind(**{name: getattr(model, name) for name in names})
