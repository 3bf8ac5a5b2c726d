"""The text family: which class a text belongs to."""

from pathlib import Path

import numpy as np
from recipe.artifact import SIGNATURE_FILE, save_pipeline, write_json
from recipe.data import Data
from recipe.family import Family
from recipe.features import known_categories
from recipe.parameters import Parameters, Rules
from recipe.plots import importance, supervised_plots
from recipe.row_judging import judge_calibrated, sample_rows
from recipe.search import Search
from recipe.sides import Side
from recipe.signature import make_signature
from recipe.supervised import Answered, find_targets
from recipe.tables import HIGHER_IS_BETTER, PRIMARY
from recipe.vega import Spec
from sklearn.pipeline import Pipeline

from .features import lay_out, part_of, places_of, text_columns
from .models import Plan, fit_pipeline
from .plots import telling_words
from .predictor import Predictor
from .serving import SERVING


def fit(parameters: Parameters, data: Data, folder: Path) -> None:
    """Fit n-grams and model, and write both with their signature."""
    names, fields = text_columns(parameters), parameters.features
    texts = places_of(names, fields)
    targets = find_targets(data, parameters)
    plan = Plan(
        preset=parameters.preset,
        params=parameters.params,
        seed=parameters.seed,
        search=Search.of(parameters, folder),
        fields=fields,
        texts=tuple(texts),
    )
    train = Side(features=lay_out(data.train, fields, texts), target=targets.train.astype(np.int64))
    validation = Side(
        features=lay_out(data.validation, fields, texts)[targets.known],
        target=targets.validation.astype(np.int64),
    )
    pipeline = fit_pipeline(plan, train, validation)
    save_pipeline(pipeline, folder)
    signature = make_signature(parameters, data.train, _known(parameters, pipeline, names), targets.classes)
    write_json(folder / SIGNATURE_FILE, signature.to_document())


def _known(parameters: Parameters, pipeline: Pipeline, texts: tuple[str, ...]) -> dict[str, list[str]]:
    others = part_of(pipeline.named_steps["features"], "others")
    fields = [f for f in parameters.features if f.name not in texts]
    return known_categories(others, fields) if others is not None else {}


def plots(parameters: Parameters, judged: Answered, challenger: Predictor) -> dict[str, Spec]:
    """Return what all classifiers show, and what the model looks at."""
    shuffled = importance(judged, challenger, PRIMARY[parameters.task], parameters.seed)
    words = {"words": telling_words(challenger)}
    return {"importance": shuffled, **words, **supervised_plots(judged)}


TEXT = Family(
    name="text",
    rules=Rules(tasks=("text",), recipes=("auto", "linear")),
    metrics=HIGHER_IS_BETTER,
    primary=PRIMARY,
    serving=SERVING,
    fit=fit,
    judge=judge_calibrated,
    plots=plots,
    samples=sample_rows,
)
