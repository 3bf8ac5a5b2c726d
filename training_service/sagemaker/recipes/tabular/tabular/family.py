"""The tabular family: classification and regression of rows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from recipe.artifact import SIGNATURE_FILE, save_pipeline, write_json
from recipe.columns import take_rows
from recipe.data import Data
from recipe.family import Family
from recipe.features import known_categories, to_matrix
from recipe.golden import sample_records
from recipe.parameters import Parameters, Rules
from recipe.plots import Spec, importance, supervised_plots
from recipe.signature import make_signature
from recipe.slices import Mask
from recipe.supervised import Answered, answer_rows, find_targets, naive_baseline

from .metrics import HIGHER_IS_BETTER, PRIMARY
from .models import Plan, Side, fit_pipeline
from .predictor import Predictor
from .serving import SERVING


def fit(parameters: Parameters, data: Data, folder: Path) -> None:
    """Fit preprocessing and model, and write both with their signature."""
    classes, targets = find_targets(data, parameters)
    fields = parameters.features
    # A class that only validation has cannot be scored by a model that never met it.
    known = ~np.isnan(targets[1])
    validation = Side(matrix=to_matrix(data.validation, fields)[known], target=targets[1][known])
    plan = Plan(
        task=parameters.task,
        recipe=parameters.recipe,
        preset=parameters.preset,
        params=parameters.params,
        seed=parameters.seed,
    )
    train = Side(matrix=to_matrix(data.train, fields), target=targets[0])
    pipeline = fit_pipeline(plan, fields, train, validation)
    seen = known_categories(pipeline.named_steps["preprocessing"], fields)
    save_pipeline(pipeline, folder)
    signature = make_signature(parameters, data.train, seen, classes)
    write_json(folder / SIGNATURE_FILE, signature.to_document())


def judge(parameters: Parameters, data: Data, rows: Mask, models: Mapping[str, Predictor]) -> Answered:
    """Let the models answer beside who only knows the training targets."""
    _, targets = find_targets(data, parameters)
    baseline = naive_baseline(targets[0], len(models["challenger"].signature.classes or ()))
    return answer_rows(take_rows(data.test, rows), parameters, models, baseline)


def plots(parameters: Parameters, judged: Answered, challenger: Predictor) -> dict[str, Spec]:
    """Return what all models of classes or values show, and the importance of each column."""
    shuffled = importance(judged, challenger, PRIMARY[parameters.task], parameters.seed)
    return {"importance": shuffled, **supervised_plots(judged)}


def samples(
    parameters: Parameters, data: Data, judged: Answered, _challenger: Predictor
) -> list[dict[str, Any]]:
    """Return judged rows, or training rows where none was judged."""
    return sample_records(judged.columns if judged.rows else data.train, parameters.features)


TABULAR = Family(
    name="tabular",
    rules=Rules(tasks=("classification", "regression"), recipes=("auto", "boosting", "linear")),
    metrics=HIGHER_IS_BETTER,
    primary=PRIMARY,
    serving=SERVING,
    fit=fit,
    judge=judge,
    plots=plots,
    samples=samples,
)
