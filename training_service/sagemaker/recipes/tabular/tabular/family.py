"""The tabular family: classification and regression of rows."""

from pathlib import Path

from recipe.artifact import SIGNATURE_FILE, save_pipeline, write_json
from recipe.columns import take_rows
from recipe.data import Data
from recipe.family import Family
from recipe.features import known_categories
from recipe.parameters import Parameters, Rules
from recipe.plots import importance, supervised_plots
from recipe.row_judging import sample_rows
from recipe.search import Search
from recipe.signature import make_signature
from recipe.supervised import Answered, find_targets
from recipe.tables import HIGHER_IS_BETTER, PRIMARY
from recipe.vega import Spec

from .judging import judge
from .models import Known, Plan, fit_model
from .onnx_form import ONNX
from .predictor import Predictor
from .serving import SERVING
from .state import save_intervals


def fit(parameters: Parameters, data: Data, folder: Path) -> None:
    """Fit preprocessing and model, and write both with their signature."""
    targets = find_targets(data, parameters)
    fields = parameters.features
    plan = Plan(
        task=parameters.task,
        recipe=parameters.recipe,
        preset=parameters.preset,
        params=parameters.params,
        seed=parameters.seed,
        fields=fields,
        search=Search.of(parameters, folder),
    )
    validation = Known(columns=take_rows(data.validation, targets.known), target=targets.validation)
    fitted = fit_model(plan, Known(columns=data.train, target=targets.train), validation)
    seen = known_categories(fitted.pipeline.named_steps["preprocessing"], fields)
    save_pipeline(fitted.pipeline, folder)
    save_intervals(fitted.intervals, folder)
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
    judge=judge,
    plots=plots,
    samples=sample_rows,
    onnx=ONNX,
)
