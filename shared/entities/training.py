"""Training jobs and model versions: their rows and the model's manifest."""

from enum import StrEnum
from typing import Any

import msgspec


class JobState(StrEnum):
    """Where a training job stands; SUCCEEDED, DEAD and STOPPED are at rest."""

    PENDING = "PENDING"
    SUBMITTING = "SUBMITTING"
    RUNNING = "RUNNING"
    FINALISING = "FINALISING"
    STOPPING = "STOPPING"
    SUCCEEDED = "SUCCEEDED"
    DEAD = "DEAD"
    STOPPED = "STOPPED"


class JobPurpose(StrEnum):
    """What a training job is for; only TRAIN makes a model version.

    EVALUATE trains nothing: it judges a model version and the live one again on the newest data. REPRODUCE trains
    a model version again to compare the two.
    """

    TRAIN = "train"
    EVALUATE = "evaluate"
    REPRODUCE = "reproduce"


class TrainingJob(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the jobs table. ``job_id`` is a hash of everything that goes in: the same work has one row.

    ``input_sha256`` is what a SageMaker job of the same name must have been created with. ``number`` is N of the
    model version ``v<N>``, taken once. ``attention`` is ``"open"`` until the job is at rest and its event told.
    ``subject`` is the model version that a job of another purpose than ``train`` is about.
    """

    job_id: str
    pipeline: str
    purpose: JobPurpose = JobPurpose.TRAIN
    subject: str | None = None
    state: JobState
    attempt: int = 1
    max_attempts: int = 3
    waiting_reason: str | None = None
    next_try_at: str | None = None
    lease_until: str | None = None
    dataset_version: str
    dataset_versions: tuple[str, ...]
    dataset_ordinal: int
    recipe: str
    recipe_sha256: str
    image_uri: str
    champion: str | None = None
    input_sha256: str
    number: int | None = None
    reason: str | None = None
    attention: str | None = None
    correlation_id: str = ""
    rev: int = 0
    created_at: str
    updated_at: str
    started_at: str | None = None
    ended_at: str | None = None


class ModelState(StrEnum):
    """Where a model version stands. "Live" is none of these: only the release row says what serves."""

    REGISTERED = "REGISTERED"
    APPROVED = "APPROVED"
    PENDING_APPROVAL = "PENDING_APPROVAL"
    NEEDS_PERSON = "NEEDS_PERSON"
    REJECTED = "REJECTED"
    ARCHIVED = "ARCHIVED"


WAITS_FOR_PERSON = (ModelState.PENDING_APPROVAL, ModelState.NEEDS_PERSON)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """How one gate clause was judged: ``passed``, ``failed`` or ``skipped``, and why, with the numbers."""

    clause: str
    outcome: str
    detail: str


class Basis(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision of the gate rests on.

    ``gate`` and ``approval`` are the pipeline's at that moment, ``champion`` is who was live, and
    ``evaluation_key`` the object whose figures were read; None where no evaluation could be.
    """

    gate: tuple[str, ...] = ()
    approval: str = "auto"
    champion: str | None = None
    evaluation_key: str | None = None


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """One decision about a model version; ``basis`` is None where a person decided."""

    at: str
    state: ModelState
    reasons: tuple[str, ...] = ()
    basis: Basis | None = None


class ModelVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the models table (sort key ``v<N>``); only state, reasons and verdicts ever change.

    With them change ``evaluated_champion``, whom the evaluation that decided was about, and ``judgements``: every
    decision so far, oldest first, the present one last. ``package_arn`` is its model package in SageMaker.
    ``attention`` is ``open`` until it is judged and told, ``package`` until its package says the same, then ``person``
    while it waits for one. ``inputs`` is the recipe's ``signature.json``: what a
    prediction request is validated against. ``life`` is that of the pipeline it was trained for (see ``Deletion``): of a
    pipeline that was deleted since, no version releases itself.
    """

    pipeline: str
    version: str
    number: int
    life: int = 0
    state: ModelState
    reasons: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    job_id: str
    task: str
    artifact_uri: str
    artifact_version_id: str | None = None
    artifact_sha256: str
    manifest_uri: str
    manifest_sha256: str
    manifest_signature: str
    image_uri: str
    recipe: str
    recipe_sha256: str
    dataset_version: str
    dataset_versions: tuple[str, ...]
    trained_through: str | None = None
    evaluated_champion: str | None = None
    judgements: tuple[Judgement, ...] = ()
    metrics: dict[str, float] = {}
    inputs: dict[str, Any]
    package_arn: str | None = None
    attention: str | None = None
    correlation_id: str = ""
    rev: int = 0
    created_at: str
    updated_at: str


class ModelFile(msgspec.Struct, frozen=True, kw_only=True):
    """One object of a model version."""

    key: str
    sha256: str
    size_bytes: int


class ModelManifest(msgspec.Struct, frozen=True, kw_only=True):
    """``manifest.json`` of a model version: artifact, files and lineage; ``manifest.sig`` signs its bytes."""

    format: int = 1
    pipeline: str
    version: str
    job_id: str
    attempt: int
    artifact: ModelFile
    files: tuple[ModelFile, ...]
    dataset_versions: tuple[str, ...]
    recipe: str
    recipe_sha256: str
    image_uri: str
    parameters_sha256: str
    input_sha256: str
    evaluated_champion: str | None
    versions: dict[str, str]
