"""From a dataset version to everything one training job is: its id, parameters, channels and size, as data.

Stages: order the versions by recency → cut the history window → write the parameters → name the work by a
hash of what goes in → list each channel's parts. Nothing here asks AWS anything.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
from chalicelib.training.families import recipe_name, task_options
from chalicelib.training.gate import MIN_ROWS, gate_metrics

from shared.entities.dataset import DatasetManifest, DatasetVersion, Part
from shared.entities.pipeline import PipelineDefinition, group_column, target_of, task_of
from shared.entities.training import JobPurpose

SIDES = ("train", "validation", "test")


class Champion(msgspec.Struct, frozen=True, kw_only=True):
    """The model version that is live when the job is planned, or another that takes part as it was trained."""

    version: str
    trained_through: str | None
    artifact_key: str


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan is made of. ``trigger`` is the version that asks for training, ``manifests`` of all it may use."""

    definition: PipelineDefinition
    trigger: str
    manifests: tuple[DatasetManifest, ...]
    recipe_sha256: str
    image_uri: str
    champion: Champion | None


class TrainingPlan(msgspec.Struct, frozen=True, kw_only=True):
    """``jobs/<job_id>/plan.json``: what every attempt of the job is submitted from.

    ``channels`` maps train, validation and test to the keys of their parts; a side without parts is not there.
    ``challenger`` is the model version that an evaluation judges beside the champion instead of training one,
    ``subject`` the one that a reproduction trains again.
    """

    format: int = 1
    purpose: JobPurpose = JobPurpose.TRAIN
    challenger: Champion | None = None
    subject: str | None = None
    job_id: str
    input_sha256: str
    pipeline: str
    dataset_version: str
    dataset_versions: tuple[str, ...]
    dataset_ordinal: int
    recipe: str
    recipe_sha256: str
    image_uri: str
    instance: str
    spot: bool = False
    max_minutes: int
    max_attempts: int
    champion: Champion | None
    channels: dict[str, tuple[str, ...]]
    parameters: dict[str, Any]


def plan_training(work: Work) -> TrainingPlan:
    """Return the plan for *work*; equal inputs give the same job id, so the same training has one row."""
    definition = work.definition
    window = choose_window(definition.data.history, work.manifests, work.trigger)
    # Only the newest data judges: a model is for the days to come, not for those long known.
    newest = window[-1]
    parameters = make_parameters(definition, newest, work.champion)
    input_sha256 = hash_inputs(work, window, parameters)
    return TrainingPlan(
        # 80 bits are enough for an id, and SageMaker's job names end after 63 characters.
        job_id=input_sha256[:20],
        input_sha256=input_sha256,
        pipeline=definition.name,
        dataset_version=work.trigger,
        dataset_versions=tuple(manifest.version for manifest in window),
        dataset_ordinal=next(m.ordinal for m in work.manifests if m.version == work.trigger),
        recipe=recipe_name(definition),
        recipe_sha256=work.recipe_sha256,
        image_uri=work.image_uri,
        instance=definition.train.instance,
        spot=definition.train.spot,
        max_minutes=definition.train.max_minutes,
        max_attempts=definition.train.max_attempts,
        champion=work.champion,
        channels=choose_parts(window),
        parameters=parameters,
    )


def plan_evaluation(work: Work, challenger: Champion) -> TrainingPlan:
    """Return the plan that judges *challenger* and the champion on the data that would train a model now.

    The job is named by who is compared, not by the data: the same two meet once, whatever was uploaded meanwhile.
    """
    plan = plan_training(work)
    champion = work.champion.version if work.champion else None
    input_sha256 = hash_evaluation(plan.pipeline, challenger.version, champion)
    stated = {"version": challenger.version, "trained_through": challenger.trained_through}
    return msgspec.structs.replace(
        plan,
        purpose=JobPurpose.EVALUATE,
        challenger=challenger,
        job_id=input_sha256[:20],
        input_sha256=input_sha256,
        parameters={**plan.parameters, "purpose": JobPurpose.EVALUATE, "challenger": stated},
    )


def hash_evaluation(pipeline: str, challenger: str, champion: str | None) -> str:
    """Return the input hash of the evaluation of two model versions; its first 20 digits are the job's id."""
    identity = {
        "purpose": JobPurpose.EVALUATE,
        "pipeline": pipeline,
        "challenger": challenger,
        "champion": champion,
    }
    return hashlib.sha256(msgspec.json.encode(identity, order="sorted")).hexdigest()


def choose_window(
    history: str, manifests: Sequence[DatasetManifest], trigger: str
) -> tuple[DatasetManifest, ...]:
    """Return the versions to train on, oldest data first; the last one tunes and judges.

    Recency is the time bounds where the data has any, else the order of arrival: an old month that arrives
    late is trained on, but the newest month still judges.
    """
    if history == "replace":
        return tuple(manifest for manifest in manifests if manifest.version == trigger)
    ordered = sorted(manifests, key=lambda m: (m.time.last if m.time else "", m.ordinal))
    if history == "all":
        return tuple(ordered)
    return tuple(ordered[-_most(history) :])


def choose_readings(
    definition: PipelineDefinition, versions: Sequence[DatasetVersion], trigger: str
) -> list[DatasetVersion]:
    """Return the *versions*, oldest first, whose manifests decide the window: no more than it may have.

    With a time column each is read, since any may hold the newest data. A pipeline that keeps the last six of
    thousands of uploads must not read thousands of manifests for each.
    """
    history = definition.data.history
    if history == "replace":
        return [version for version in versions if version.version == trigger]
    if history == "all" or definition.data.time:
        return list(versions)
    return list(versions[-_most(history) :])


def _most(history: str) -> int:
    """Return how many versions a history of the form ``last 6`` keeps."""
    return int(history.removeprefix("last "))


def make_parameters(
    definition: PipelineDefinition, newest: DatasetManifest, champion: Champion | None
) -> dict[str, Any]:
    """Return ``parameters.json``, which travels in a channel because hyperparameters are limited in length."""
    judged = {"version": champion.version, "trained_through": champion.trained_through} if champion else None
    return {
        "format": 1,
        "pipeline": definition.name,
        "task": task_of(definition),
        "target": target_of(definition),
        "recipe": definition.model.recipe,
        "preset": definition.model.preset,
        "params": dict(definition.model.params),
        "seed": definition.split.seed,
        "metrics": list(gate_metrics(definition.gate)),
        "schema": newest.schema,
        "time": definition.data.time,
        "key": definition.data.key,
        "drop": list(definition.data.drop),
        # The sides are frozen in the data: how they were made is the manifest's to say.
        "split": _split(newest.split.by),
        "champion": judged,
        "min_rows": MIN_ROWS,
        "max_minutes": definition.train.max_minutes,
        # Absent rather than empty: an entry that says nothing must not give known work another id.
        **({"fairness": list(definition.model.fairness)} if definition.model.fairness else {}),
        **({"export": list(definition.model.export)} if definition.model.export else {}),
        **({"trials": definition.model.tune.trials} if definition.model.tune.trials else {}),
        **task_options(definition),
    }


def _split(rule: str) -> dict[str, str]:
    group = group_column(rule)
    return {"by": "group", "group": group} if group else {"by": rule}


def hash_inputs(work: Work, window: Sequence[DatasetManifest], parameters: dict[str, Any]) -> str:
    """Return the SHA-256 of everything that decides what the job will make.

    The metrics that the gate reads are left out: all are computed anyway, and a changed gate is judged again
    from the stored evaluation, not trained again.
    """
    uploads = [manifest.raw.sha256 for manifest in window]
    champion = work.champion.version if work.champion else None
    return hash_identity(uploads, work.recipe_sha256, work.image_uri, parameters, champion)


def hash_identity(
    uploads: Sequence[str],
    recipe_sha256: str,
    image_uri: str,
    parameters: dict[str, Any],
    champion: str | None,
) -> str:
    """Return the SHA-256 of what a job is made of, from the hashes of the uploads themselves."""
    identity = {
        "datasets": list(uploads),
        "recipe": recipe_sha256,
        "image": image_uri,
        "parameters": {name: value for name, value in parameters.items() if name != "metrics"},
        "champion": champion,
    }
    return hashlib.sha256(msgspec.json.encode(identity, order="sorted")).hexdigest()


def choose_parts(window: Sequence[DatasetManifest]) -> dict[str, tuple[str, ...]]:
    """Return the part keys per channel: the older versions train, the newest keeps its sides.

    Of the older versions every side trains, unless it could teach what the newest version's test side asks.
    """
    *older, newest = window
    channels = {side: [part.key for part in newest.parts if part.side == side] for side in SIDES}
    taught = [part.key for old in older for part in old.parts if _may_teach(old, part, newest)]
    channels["train"] = taught + channels["train"]
    return {side: tuple(keys) for side, keys in channels.items() if keys}


def _may_teach(old: DatasetManifest, part: Part, newest: DatasetManifest) -> bool:
    """Say whether a part of an older version may train a model that *newest* judges.

    By hash every part may: the recipe knows trained rows again and leaves them out of what it judges.
    """
    if newest.split.by.startswith("group("):
        # A group has one side in all versions; taught from another version's test it could not judge any more.
        return part.side == "train"
    judged = newest.split.bounds.get("test")
    ends = old.split.bounds.get(part.side) or old.time
    if judged is None or ends is None:
        return True
    # A corrected file spans the same time again; all of it taught would leave no row to judge. Bounds are cut
    # to whole seconds, so equal ones may overlap.
    return ends.last < judged.first


def channel_manifest(bucket: str, keys: Sequence[str]) -> list[Any]:
    """Return a SageMaker ManifestFile: a common prefix, then the paths that become file names in the channel."""
    # A short prefix, so that parts of equal name in two versions stay two files in the channel.
    prefix = "datasets/"
    return [{"prefix": f"s3://{bucket}/{prefix}"}, *(key.removeprefix(prefix) for key in keys)]
