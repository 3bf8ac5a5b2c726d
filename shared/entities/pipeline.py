"""The pipeline definition: what a user writes in ``pipeline.yaml`` and PUTs to ``/v1/pipelines/{name}``."""

import re
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from msgspec.structs import force_setattr, replace

from shared.entities.monitoring import Monitor
from shared.entities.releasing import Release
from shared.entities.sections import Duration, Percent, Section

Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{1,38}[a-z0-9]$", description="name of a pipeline")]
Column = Annotated[str, Meta(min_length=1, max_length=128, description="name of a column")]
Frequency = Annotated[
    str, Meta(pattern=r"^[1-9][0-9]{0,3}(s|m|h|d|w|mo|q|y)$", description="such as 15m, 1d, 1mo")
]
Character = Annotated[str, Meta(min_length=1, max_length=1, description="one character")]

History = Annotated[
    str,
    Meta(pattern=r"^(all|replace|last [1-9][0-9]{0,3})$", description="all, replace, or such as last 6"),
]
AtMost = Annotated[
    str,
    Meta(pattern=r"^(none|[1-9][0-9]{0,2}/(hour|day|week))$", description="none, or such as 1/day"),
]
SplitBy = Annotated[
    str,
    Meta(pattern=r"^(auto|hash|time|group\(.{1,128}\))$", description="auto, hash, time or group(column)"),
]

OWN_RECIPES = ("auto", "boosting", "linear")
Recipe = Annotated[
    str,
    Meta(
        pattern=rf"^({'|'.join(OWN_RECIPES)}|[0-9a-f]{{64}})$",
        description="auto, boosting, linear, or what `headrace recipes push` prints",
    ),
]
IMAGE_FORM = "<account>.dkr.ecr.<region>.amazonaws.com/<repository>@sha256:<64 digits>"

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Data(Section, frozen=True, kw_only=True):
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
    history: History = "all"


class Split(Section, frozen=True, kw_only=True):
    """Which rows train, tune and judge: by ``time``, by ``hash`` of the row (or key), or by ``group(column)``.

    ``auto`` is by time where the pipeline has a time column, else by hash, but only of data without times of day: rows
    that follow each other in time are dealt at random only when that is asked for by name, for a model that has
    seen the future looks good.
    """

    by: SplitBy = "auto"
    test: Percent = "20%"
    validation: Percent = "10%"
    seed: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 42


class Tune(Section, frozen=True, kw_only=True):
    """How many different settings are tried; 0 leaves that to the preset, 1 tries none but the usual ones."""

    trials: Annotated[int, Meta(ge=0, le=200)] = 0


class Model(Section, frozen=True, kw_only=True):
    """What is trained.

    ``recipe`` is one of ours, or the SHA-256 of a recipe folder that was pushed; ``image`` is the container it runs
    in, by its digest, None the prebuilt one. ``fairness`` names columns whose groups the evaluation compares; they need not be features.
    ``export`` asks for other forms of the model beside it, each kept only where it answers as the model does.
    """

    recipe: Recipe = "auto"
    image: Annotated[str, Meta(min_length=1, max_length=255, description=IMAGE_FORM)] | None = None
    preset: Literal["fast", "good", "best"] = "fast"
    params: dict[str, str | int | float | bool | None] = {}
    tune: Tune = Tune()
    fairness: Annotated[tuple[Column, ...], Meta(max_length=10)] = ()
    export: Annotated[tuple[Literal["onnx"], ...], Meta(max_length=1)] = ()


class Train(Section, frozen=True, kw_only=True):
    """Where a training job runs, how long, how often it is tried, and how often new data starts one.

    ``quiet`` is how long no upload must have come before a training starts: those that came meanwhile are trained
    together. ``at_most`` bounds the trainings that new data starts. ``spot`` takes spare capacity, which is cheaper
    and may be taken away at any moment.
    """

    instance: Annotated[str, Meta(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")] = "ml.m5.large"
    spot: bool = False
    max_minutes: Annotated[int, Meta(ge=1, le=7200)] = 30
    max_attempts: Annotated[int, Meta(ge=1, le=10)] = 3
    at_most: AtMost = "none"
    quiet: Duration = "0s"


class Retrain(Section, frozen=True, kw_only=True):
    """What starts a training without a person: ``new_data``, or ``drift`` once there is data it was not trained on."""

    on: tuple[Literal["new_data", "drift"], ...] = ("new_data",)


class ImageInput(Section, frozen=True, kw_only=True):
    """What every picture is made into: a square of ``size`` pixels with 1 (grey) or 3 (colour) channels."""

    size: Annotated[int, Meta(ge=8, le=1024)] = 224
    channels: Literal[1, 3] = 3


class _Definition(Section, frozen=True, kw_only=True):
    """What every task has in common."""

    name: Name
    data: Data = Data()
    split: Split = Split()
    model: Model = Model()
    gate: tuple[Annotated[str, Meta(min_length=1, max_length=120)], ...] = ()
    train: Train = Train()
    release: Release = Release()
    monitor: Monitor = Monitor()
    retrain: Retrain = Retrain()

    def __post_init__(self) -> None:
        """Fill in what follows from other keys: the time that the task itself names, and that it then splits."""
        # Here and nowhere else, so that no reader of a definition asks two keys for the time. What stays "auto" is
        # by hash without having been asked for, which is told apart from a "hash" by name when the columns are known.
        time = self.data.time or self._own_time()
        if time != self.data.time:
            force_setattr(self, "data", replace(self.data, time=time))
        if time and self.split.by == "auto":
            force_setattr(self, "split", replace(self.split, by="time"))

    def _own_time(self) -> str | None:
        """Return the time column that the task's own key names, None where it has no such key."""
        return None


class _Supervised(_Definition, frozen=True, kw_only=True):
    """A task that predicts one column."""

    target: Column


class Classification(_Supervised, frozen=True, kw_only=True, tag_field="task", tag="classification"):
    """Predict which of some classes a row belongs to."""


class Regression(_Supervised, frozen=True, kw_only=True, tag_field="task", tag="regression"):
    """Predict a number."""


class Forecasting(_Supervised, frozen=True, kw_only=True, tag_field="task", tag="forecasting"):
    """Predict the next ``horizon`` values of a number over ``time``.

    ``series`` are the columns whose values together name one series, none for a single series. ``freq`` is the
    step between two values; None means that the data shows it.
    """

    time: Column
    series: tuple[Column, ...] = ()
    horizon: Annotated[int, Meta(ge=1, le=10_000)]
    freq: Frequency | None = None

    def _own_time(self) -> str | None:
        return self.time


class Text(_Supervised, frozen=True, kw_only=True, tag_field="task", tag="text"):
    """Predict a class from the columns ``text``, with every other column that is not dropped beside them."""

    text: Annotated[tuple[Column, ...], Meta(min_length=1, max_length=20)]


class Image(_Supervised, frozen=True, kw_only=True, tag_field="task", tag="image"):
    """Predict the class of a picture, uploaded in one zip of ``label/name``; PNG where nothing else is installed."""

    target: Column = "label"
    image: ImageInput = ImageInput()


class Recommendation(_Definition, frozen=True, kw_only=True, tag_field="task", tag="recommendation"):
    """Predict which ``item`` a ``user`` takes next.

    Every row is one interaction. Without ``rating`` that it happened is all that is known; with it, each recommended
    item says which rating the user would probably give.
    """

    user: Column
    item: Column
    time: Column | None = None
    rating: Column | None = None

    def _own_time(self) -> str | None:
        return self.time


PipelineDefinition = Classification | Regression | Forecasting | Text | Image | Recommendation
TASKS = ("classification", "regression", "forecasting", "text", "image", "recommendation")
# What the recipe of the task measures of a model's answers.
_OF_ANSWERS: dict[str, tuple[str, ...]] = {
    "classification": ("log_loss", "roc_auc", "accuracy", "f1", "brier", "average_precision"),
    "regression": ("rmse", "mae", "r2", "mape", "coverage", "interval_width"),
    "forecasting": ("mae", "rmse", "smape", "mase", "coverage"),
    "text": ("log_loss", "roc_auc", "accuracy", "f1", "brier", "average_precision", "calibration_error"),
    "image": ("log_loss", "roc_auc", "accuracy", "f1", "brier", "average_precision", "calibration_error"),
    "recommendation": ("recall_at_10", "ndcg_at_10", "map_at_10", "hit_rate_at_10", "coverage", "rmse"),
}
# Of a served model: the naive baseline has none of them.
SERVING_METRICS = ("latency_p95_ms", "size_mb")
_OF_GROUPS = ("metric_difference",)
_OF_GROUPS_AND_CLASSES = ("selection_rate_difference", "tpr_difference", *_OF_GROUPS)
# Reported where `model.fairness` names columns.
FAIRNESS_METRICS: dict[str, tuple[str, ...]] = {
    "classification": _OF_GROUPS_AND_CLASSES,
    "regression": _OF_GROUPS,
    "text": _OF_GROUPS_AND_CLASSES,
    "image": _OF_GROUPS_AND_CLASSES,
}
# What a gate may name.
METRICS = {
    task: (*own, *SERVING_METRICS, *FAIRNESS_METRICS.get(task, ())) for task, own in _OF_ANSWERS.items()
}


def task_of(definition: PipelineDefinition) -> str:
    """Return the task's name as the definition spells it."""
    return type(definition).__name__.lower()


def pushed_recipe(definition: PipelineDefinition) -> str | None:
    """Return the SHA-256 of the user's own recipe, None where the pipeline takes one of ours."""
    recipe = definition.model.recipe
    return None if recipe in OWN_RECIPES else recipe


def target_of(definition: PipelineDefinition) -> str | None:
    """Return the column that is predicted; None for a recommendation, which predicts items."""
    return None if isinstance(definition, Recommendation) else definition.target


def fraction(percent: str) -> float:
    """Return ``"20%"`` as 0.2."""
    return float(percent.removesuffix("%")) / 100


def seconds(duration: str) -> int:
    """Return ``"10m"`` as 600."""
    return int(duration[:-1]) * _SECONDS[duration[-1]]


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
