"""The tabular family: classification and regression of rows."""

from pathlib import Path

from recipe.artifact import SIGNATURE_FILE, save_pipeline, write_json
from recipe.data import Data
from recipe.family import Family
from recipe.features import known_categories, to_matrix
from recipe.growing import checkpoint_folder
from recipe.parameters import Parameters, Rules
from recipe.plots import importance, supervised_plots
from recipe.row_judging import judge_rows, sample_rows
from recipe.sides import Side
from recipe.signature import make_signature
from recipe.supervised import Answered, find_targets
from recipe.tables import HIGHER_IS_BETTER, PRIMARY
from recipe.vega import Spec

from .models import Plan, fit_pipeline
from .predictor import Predictor
from .serving import SERVING


def fit(parameters: Parameters, data: Data, folder: Path) -> None:
    """Fit preprocessing and model, and write both with their signature."""
    targets = find_targets(data, parameters)
    fields = parameters.features
    train = Side(features=to_matrix(data.train, fields), target=targets.train)
    validation = Side(features=to_matrix(data.validation, fields)[targets.known], target=targets.validation)
    plan = Plan(
        task=parameters.task,
        recipe=parameters.recipe,
        preset=parameters.preset,
        params=parameters.params,
        seed=parameters.seed,
        checkpoints=checkpoint_folder(folder),
    )
    pipeline = fit_pipeline(plan, fields, train, validation)
    seen = known_categories(pipeline.named_steps["preprocessing"], fields)
    save_pipeline(pipeline, folder)
    signature = make_signature(parameters, data.train, seen, targets.classes)
    write_json(folder / SIGNATURE_FILE, signature.to_document())


def plots(parameters: Parameters, judged: Answered, challenger: Predictor) -> dict[str, Spec]:
    """Return what all models of classes or values show, and the importance of each column."""
    shuffled = importance(judged, challenger, PRIMARY[parameters.task], parameters.seed)
    return {"importance": shuffled, **supervised_plots(judged)}


TABULAR = Family(
    name="tabular",
    rules=Rules(tasks=("classification", "regression"), recipes=("auto", "boosting", "linear")),
    metrics=HIGHER_IS_BETTER,
    primary=PRIMARY,
    serving=SERVING,
    fit=fit,
    judge=judge_rows,
    plots=plots,
    samples=sample_rows,
)
