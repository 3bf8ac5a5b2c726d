"""Where a model version comes from, link by link, each held against what was signed when the version was made."""

from typing import Any

import msgspec

from shared.entities.training import Judgement, ModelFile, ModelManifest, Verdict


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One link of the chain: whether it holds, and what was found."""

    what: str
    holds: bool
    detail: str


class RawUpload(msgspec.Struct, frozen=True, kw_only=True):
    """The object that somebody uploaded, by its exact version and hash."""

    uri: str
    version_id: str | None
    sha256: str
    size_bytes: int


class UsedDataset(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset version that took part; ``rows`` are the good ones, times are those of its data."""

    version: str
    ordinal: int
    raw: RawUpload
    rows: int
    time_from: str | None
    time_through: str | None
    schema_sha256: str
    split_by: str
    manifest_uri: str
    code_version: str


class UsedCode(msgspec.Struct, frozen=True, kw_only=True):
    """The recipe's tarball and the image it ran in; ``pinned_by`` says whether the image's name can move."""

    recipe: str
    recipe_sha256: str
    recipe_uri: str
    image_uri: str
    pinned_by: str
    versions: dict[str, str]


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """The job that made the model."""

    job_id: str
    attempt: int
    sagemaker_job: str
    input_sha256: str
    created_at: str | None
    started_at: str | None
    ended_at: str | None


class Lineage(msgspec.Struct, frozen=True, kw_only=True):
    """Where a model version comes from; ``verified`` where every check holds.

    ``evaluated_champion`` is the version that the training compared with; ``judgements`` are all decisions since.
    """

    manifest: ModelManifest
    manifest_sha256: str
    manifest_signature: str
    artifact: ModelFile
    artifact_version_id: str | None
    verified: bool
    checks: tuple[Check, ...]
    job: Origin
    datasets: tuple[UsedDataset, ...]
    code: UsedCode
    parameters: dict[str, Any]
    seed: int | None
    evaluated_champion: str | None
    state: str
    verdicts: tuple[Verdict, ...]
    judgements: tuple[Judgement, ...]
    package_arn: str | None


def pinned_by(image_uri: str) -> str:
    """Return ``digest`` where the image's name can only ever mean the same bytes, else ``tag``."""
    return "digest" if "@sha256:" in image_uri else "tag"
