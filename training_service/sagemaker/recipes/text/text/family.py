"""The text family: which class a text belongs to."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from recipe.artifact import SIGNATURE_FILE, save_pipeline, write_json
from recipe.columns import take_rows
from recipe.confusion import confusion
from recipe.data import Data
from recipe.family import Family
from recipe.features import known_categories
from recipe.golden import sample_records
from recipe.parameters import Parameters, Rules
from recipe.plots import Spec, importance, supervised_plots
from recipe.reliability import with_reliability
from recipe.signature import make_signature
from recipe.slices import Mask
from recipe.supervised import Answered, answer_rows, find_targets, naive_baseline
from sklearn.pipeline import Pipeline

from .features import lay_out, part_of, places_of, text_columns
from .metrics import HIGHER_IS_BETTER, PRIMARY
from .models import Plan, Side, fit_pipeline
from .plots import telling_words
from .predictor import Predictor
from .serving import SERVING


def fit(parameters: Parameters, data: Data, folder: Path) -> None:
    """Fit n-grams and model, and write both with their signature."""
    names, fields = text_columns(parameters), parameters.features
    texts = places_of(names, fields)
    classes, targets = find_targets(data, parameters)
    plan = Plan(
        preset=parameters.preset,
        params=parameters.params,
        seed=parameters.seed,
        fields=fields,
        texts=tuple(texts),
    )
    # A class that only validation has cannot be scored by a model that never met it.
    known = ~np.isnan(targets[1])
    train = Side(matrix=lay_out(data.train, fields, texts), target=targets[0].astype(np.int64))
    validation = Side(
        matrix=lay_out(data.validation, fields, texts)[known], target=targets[1][known].astype(np.int64)
    )
    pipeline = fit_pipeline(plan, train, validation)
    save_pipeline(pipeline, folder)
    signature = make_signature(parameters, data.train, _known(parameters, pipeline, names), classes)
    write_json(folder / SIGNATURE_FILE, signature.to_document())


def _known(parameters: Parameters, pipeline: Pipeline, texts: tuple[str, ...]) -> dict[str, list[str]]:
    others = part_of(pipeline.named_steps["features"], "others")
    fields = [f for f in parameters.features if f.name not in texts]
    return known_categories(others, fields) if others is not None else {}


def judge(parameters: Parameters, data: Data, rows: Mask, models: Mapping[str, Predictor]) -> Answered:
    """Let the models answer beside who only knows how frequent each class is."""
    classes, targets = find_targets(data, parameters)
    baseline = naive_baseline(targets[0], len(classes or ()))
    return with_reliability(answer_rows(take_rows(data.test, rows), parameters, models, baseline))


def plots(parameters: Parameters, judged: Answered, challenger: Predictor) -> dict[str, Spec]:
    """Return what all classifiers show, who is taken for whom, and what the model looks at."""
    shuffled = importance(judged, challenger, PRIMARY[parameters.task], parameters.seed)
    words = {"confusion": confusion(judged), "words": telling_words(challenger)}
    return {"importance": shuffled, **words, **supervised_plots(judged)}


def samples(
    parameters: Parameters, data: Data, judged: Answered, _challenger: Predictor
) -> list[dict[str, Any]]:
    """Return judged rows, or training rows where none was judged."""
    return sample_records(judged.columns if judged.rows else data.train, parameters.features)


TEXT = Family(
    name="text",
    rules=Rules(tasks=("text",), recipes=("auto", "linear")),
    metrics=HIGHER_IS_BETTER,
    primary=PRIMARY,
    serving=SERVING,
    fit=fit,
    judge=judge,
    plots=plots,
    samples=samples,
)
