"""The pipeline definition: what a user writes in ``pipeline.yaml`` and PUTs to ``/v1/pipelines/{name}``."""

import re
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{1,38}[a-z0-9]$", description="name of a pipeline")]
Percent = Annotated[str, Meta(pattern=r"^(100|[0-9]{1,2})(\.[0-9]+)?%$", description="such as 20%")]
Duration = Annotated[str, Meta(pattern=r"^[0-9]{1,6}[smhd]$", description="such as 90s, 10m, 1h, 7d")]
Column = Annotated[str, Meta(min_length=1, max_length=128)]
Character = Annotated[str, Meta(min_length=1, max_length=1)]

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the definition; unknown keys are refused."""


class Data(_Section, frozen=True, kw_only=True):
    """How uploads are read, and which of them a training sees.

    None for ``encoding``, ``delimiter`` or ``quote`` means that each file's own is detected. ``schema`` is a
    Frictionless Table Schema that every upload must meet, kept as it was written; None means inferred.
    """

    format: Literal["auto", "csv", "tsv", "jsonl", "parquet", "images"] = "auto"
    encoding: (
        Annotated[str, Meta(min_length=1, max_length=40, description="such as utf-8, cp1252")] | None
    ) = None
    delimiter: Character | None = None
    quote: Character | None = None
    schema: dict[str, Any] | None = None
    key: Column | None = None
    time: Column | None = None
    drop: tuple[Column, ...] = ()
    on_bad_rows: Literal["quarantine", "reject"] = "quarantine"
    max_bad: Percent = "1%"
    history: Annotated[str, Meta(pattern=r"^(all|replace|last [1-9][0-9]{0,3})$")] = "all"


class Split(_Section, frozen=True, kw_only=True):
    """Which rows train, tune and judge: by ``time``, by ``hash`` of the row (or key), or by ``group(column)``."""

    by: Annotated[str, Meta(pattern=r"^(hash|time|group\(.{1,128}\))$")] = "hash"
    test: Percent = "20%"
    validation: Percent = "10%"
    seed: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 42


class Model(_Section, frozen=True, kw_only=True):
    """What is trained."""

    recipe: Literal["auto", "boosting", "linear"] = "auto"
    preset: Literal["fast", "good", "best"] = "fast"
    params: dict[str, str | int | float | bool | None] = {}


class Train(_Section, frozen=True, kw_only=True):
    """Where a training job runs, how long, and how often it is tried."""

    instance: Annotated[str, Meta(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")] = "ml.m5.large"
    max_minutes: Annotated[int, Meta(ge=1, le=7200)] = 30
    max_attempts: Annotated[int, Meta(ge=1, le=10)] = 3


class Serverless(_Section, frozen=True, kw_only=True, tag_field="kind", tag="serverless"):
    """A SageMaker serverless endpoint."""

    memory_mb: Literal[1024, 2048, 3072, 4096, 5120, 6144] = 2048
    max_concurrency: Annotated[int, Meta(ge=1, le=200)] = 5


class Realtime(_Section, frozen=True, kw_only=True, tag_field="kind", tag="realtime"):
    """A SageMaker real-time endpoint; it costs day and night."""

    instance: Annotated[str, Meta(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")] = "ml.m5.large"
    count: Annotated[int, Meta(ge=1, le=3)] = 1


class Release(_Section, frozen=True, kw_only=True):
    """How an approved model version goes live."""

    approval: Literal["auto", "person"] = "auto"
    strategy: Literal["direct"] = "direct"
    grace: Duration = "1h"
    endpoint: Literal["serverless", "realtime"] | Serverless | Realtime = "serverless"


class Retrain(_Section, frozen=True, kw_only=True):
    """What starts a training without a person."""

    on: tuple[Literal["new_data"], ...] = ("new_data",)


class _Definition(_Section, frozen=True, kw_only=True):
    """What every task has in common."""

    name: Name
    target: Column
    data: Data = Data()
    split: Split = Split()
    model: Model = Model()
    gate: tuple[Annotated[str, Meta(min_length=1, max_length=120)], ...] = ()
    train: Train = Train()
    release: Release = Release()
    retrain: Retrain = Retrain()


class Classification(_Definition, frozen=True, kw_only=True, tag_field="task", tag="classification"):
    """Predict which of some classes a row belongs to."""


class Regression(_Definition, frozen=True, kw_only=True, tag_field="task", tag="regression"):
    """Predict a number."""


PipelineDefinition = Classification | Regression
TASKS = ("classification", "regression")
# What a gate may name: the metrics every recipe of the task reports.
METRICS = {
    "classification": ("log_loss", "roc_auc", "accuracy", "f1", "brier", "average_precision"),
    "regression": ("rmse", "mae", "r2", "mape"),
}


def task_of(definition: PipelineDefinition) -> str:
    """Return the task's name as the definition spells it."""
    return type(definition).__name__.lower()


def fraction(percent: str) -> float:
    """Return ``"20%"`` as 0.2."""
    return float(percent.removesuffix("%")) / 100


def seconds(duration: str) -> int:
    """Return ``"10m"`` as 600."""
    return int(duration[:-1]) * _SECONDS[duration[-1]]


def endpoint_of(release: Release) -> Serverless | Realtime:
    """Return the endpoint's options; the bare words mean the defaults."""
    if isinstance(release.endpoint, str):
        return Serverless() if release.endpoint == "serverless" else Realtime()
    return release.endpoint


def group_column(split_by: str) -> str | None:
    """Return the column of ``group(column)``, None for the other rules."""
    match = re.fullmatch(r"group\((.+)\)", split_by)
    return match[1] if match else None


class Pipeline(msgspec.Struct, frozen=True, kw_only=True):
    """A stored definition. ``definition`` stays plain, so that a row outlives changes of the model."""

    kind: str = "pipeline"
    pipeline: str
    definition: dict[str, Any]
    rev: int
    created_at: str
    updated_at: str
