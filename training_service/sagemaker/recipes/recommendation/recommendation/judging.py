"""Judge recommendations by what users took next: challenger, champion and what is popular anyhow.

With a split by time the judged rows are each user's last ones. Nobody may recommend what a user is known to have taken, so
that all rank the same items. A user that is new in the judged rows counts, too: strangers come every day.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from recipe.columns import take_rows
from recipe.data import Data
from recipe.evaluate import Judged
from recipe.failure import ModelRefusedError
from recipe.metrics import Floats, Measure
from recipe.parameters import Parameters
from recipe.signature import Signature
from recipe.slices import Mask
from scipy.sparse import csr_matrix

from .fitting import naive
from .interactions import Interactions, read_interactions
from .metrics import measures_of, rating_measure
from .predictor import Ranking, Recommender
from .questions import Question, answer, ask
from .roles import find_roles
from .wishes import USER_INPUT

MOST_USERS = 20_000
# Longer lists than the metrics look at, for the curve.
DEPTH = 50


@dataclass(frozen=True, kw_only=True)
class Tasted(Judged):
    """The judged users with everybody's lists; items are codes that all share, `relevant` has ones at (user, item)."""

    relevant: csr_matrix
    answers: dict[str, Ranking]


def judge(parameters: Parameters, data: Data, rows: Mask, models: Mapping[str, Recommender]) -> Tasted:
    """Let every model and popularity recommend to the users of the judged rows."""
    roles = find_roles(parameters)
    columns = take_rows(data.test, rows)
    known = read_interactions([data.train, data.validation], roles, parameters.time)
    then = read_interactions([columns], roles, parameters.time)
    question = ask(known, then, [model.items for model in models.values()], (MOST_USERS, parameters.seed))
    everybody = {**models, "baseline": naive(known, models["challenger"].signature)}
    answers = {name: answer(model, question, DEPTH) for name, model in everybody.items()}
    catalogue = len(known.items)
    measures = {name: measures_of(a, question.relevant, catalogue) for name, a in answers.items()}
    if roles.rating:
        for name, model in everybody.items():
            measures[name] |= _rmse(model, question, then)
    return Tasted(
        columns=columns,
        rows=len(question.users),
        measures=measures,
        relevant=question.relevant,
        answers=answers,
    )


def _rmse(model: Recommender, question: Question, then: Interactions) -> dict[str, Measure]:
    """Prepare the error of expected ratings; NaN for a model that was taught without ratings."""
    if model.ratings is None or then.rating is None:
        return {"rmse": lambda _weights: float("nan")}
    rows = {user: row for row, user in enumerate(question.users)}
    row = np.array([rows.get(user, -1) for user in then.users], dtype=np.int64)[then.user]
    rated = (row >= 0) & ~np.isnan(then.rating)
    users = np.array([model.user_codes.get(user, -1) for user in then.users], dtype=np.int64)
    items = np.array([model.item_codes.get(item, -1) for item in then.items], dtype=np.int64)
    expected: Floats = model.ratings.expect(users[then.user][rated], items[then.item][rated])
    return {"rmse": rating_measure(row[rated], (then.rating[rated] - expected) ** 2, len(question.users))}


def check_champion(signature: Signature, parameters: Parameters) -> None:
    """Refuse a comparison with a model of other users or items."""
    roles = find_roles(parameters)
    if (signature.task, signature.target.name) != (parameters.task, roles.item.name):
        raise ModelRefusedError(f"The champion recommends '{signature.target.name}' ({signature.task}).")
    was = {taken.name: taken.type for taken in signature.inputs}
    for what, then, now in (
        ("items", signature.target.type, roles.item.type),
        ("users", was.get(USER_INPUT), roles.user.type),
    ):
        if then != now:
            raise ModelRefusedError(
                f"The schema changed: the champion's {what} are {then}, now they are {now}."
            )
