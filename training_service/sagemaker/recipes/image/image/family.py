"""The image family: which class a picture belongs to."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from recipe.artifact import SIGNATURE_FILE, save_pipeline, write_json
from recipe.data import Data
from recipe.failure import UserError
from recipe.family import Family
from recipe.parameters import Parameters, Rules
from recipe.plots import supervised_plots
from recipe.row_judging import judge_calibrated, sample_rows
from recipe.search import Search
from recipe.sides import Side
from recipe.signature import make_signature
from recipe.supervised import Answered, find_targets
from recipe.tables import HIGHER_IS_BETTER, PRIMARY
from recipe.vega import Spec

from .features import VERSION
from .models import Plan, fit_pipeline
from .pictures import Shape
from .predictor import Predictor, refuse_in, see
from .serving import PICTURE_FILE, SERVING

DEFAULT_SIZE = 224


def only_picture(parameters: Parameters) -> Parameters:
    """Return the parameters with one feature, the picture; raise `UserError` where it is not one column."""
    binary = [f.name for f in parameters.features if f.type == "binary"]
    if len(binary) != 1:
        raise UserError(
            f"The data has {len(binary)} columns of pictures; a model of pictures needs exactly one."
        )
    # What else is known of a file (its name, its width) may give its class away.
    hidden = {f.name for f in parameters.fields} - {binary[0], parameters.target}
    return replace(parameters, drop=(*parameters.drop, *sorted(hidden)))


def fit(parameters: Parameters, data: Data, folder: Path) -> None:
    """Fit the model on features of the pictures, and write it with its signature."""
    parameters = only_picture(parameters)
    (picture,) = parameters.features
    shape = shape_of(parameters)
    targets = find_targets(data, parameters)
    train = Side(
        features=see(data.train[picture.name], shape, refuse_in("training")),
        target=targets.train.astype(np.int64),
    )
    validation = Side(
        features=see(data.validation[picture.name][targets.known], shape, refuse_in("validation")),
        target=targets.validation.astype(np.int64),
    )
    plan = Plan(
        recipe=parameters.recipe,
        preset=parameters.preset,
        params=parameters.params,
        search=Search.of(parameters, folder),
        seed=parameters.seed,
    )
    save_pipeline(fit_pipeline(plan, train, validation), folder)
    write_json(folder / PICTURE_FILE, {"size": shape.size, "channels": shape.channels, "features": VERSION})
    write_json(
        folder / SIGNATURE_FILE, make_signature(parameters, data.train, {}, targets.classes).to_document()
    )


def shape_of(parameters: Parameters) -> Shape:
    """Return what the definition wants every picture made into."""
    asked = parameters.task_options.get("image") or {}
    return Shape(size=int(asked.get("size", DEFAULT_SIZE)), channels=int(asked.get("channels", 3)))


def plots(_parameters: Parameters, judged: Answered, _challenger: Predictor) -> dict[str, Spec]:
    """Return what all classifiers show."""
    return supervised_plots(judged)


def samples(
    parameters: Parameters, data: Data, judged: Answered, challenger: Predictor
) -> list[dict[str, Any]]:
    """Return judged pictures, or training pictures where none was judged."""
    return sample_rows(only_picture(parameters), data, judged, challenger)


IMAGE = Family(
    name="image",
    rules=Rules(tasks=("image",), recipes=("auto", "linear", "boosting"), reads_bytes=True),
    metrics=HIGHER_IS_BETTER,
    primary=PRIMARY,
    serving=SERVING,
    fit=fit,
    judge=judge_calibrated,
    plots=plots,
    samples=samples,
)
