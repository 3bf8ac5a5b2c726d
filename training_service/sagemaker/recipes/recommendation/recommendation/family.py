"""The recommendation family: which items a user takes next."""

from pathlib import Path
from typing import Any

import numpy as np
from recipe.data import Data
from recipe.family import Family
from recipe.golden import GOLDEN_ROWS
from recipe.parameters import Parameters, Rules
from recipe.search import Search
from recipe.tables import HIGHER_IS_BETTER, PRIMARY
from recipe.vega import Spec, spread

from .fitting import fit_recommender
from .judging import Tasted, check_champion, judge
from .plots import recommendation_plots
from .predictor import Recommender
from .serving import SERVING
from .state import save


def fit(parameters: Parameters, data: Data, folder: Path) -> None:
    """Fit and write the model."""
    save(fit_recommender(parameters, data, Search.of(parameters, folder)), folder)


def plots(_parameters: Parameters, judged: Tasted, challenger: Recommender) -> dict[str, Spec]:
    """Return the plots of the judged users."""
    return recommendation_plots(judged, challenger)


def samples(
    _parameters: Parameters, _data: Data, _judged: Tasted, model: Recommender
) -> list[dict[str, Any]]:
    """Return questions for some users, for a stranger, and for one of whom two items are known."""
    users = [{"user": model.users[place]} for place in spread(len(model.users), GOLDEN_ROWS - 2)]
    some = [model.items[place] for place in np.sort(model.most_popular[:2])]
    return [*users, {"k": 5}, {"items": some, "k": 5}]


RECOMMENDATION = Family(
    name="recommendation",
    rules=Rules(tasks=("recommendation",), needs_target=False, needs_features=False),
    metrics=HIGHER_IS_BETTER,
    primary=PRIMARY,
    serving=SERVING,
    fit=fit,
    judge=judge,
    plots=plots,
    samples=samples,
    check_champion=check_champion,
)
