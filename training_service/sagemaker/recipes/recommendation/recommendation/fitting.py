"""From the training and the validation side to a model that can recommend: choose by the one, then learn from both."""

from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np
from recipe.data import Data
from recipe.failure import UserError
from recipe.halving import Rows
from recipe.parameters import Parameters
from recipe.search import Search, decide
from recipe.signature import Signature
from recipe.tables import PRIMARY
from scipy.sparse import csr_matrix

from .interactions import Interactions, newest, read_interactions
from .metrics import K, measures_of
from .neighbours import find_neighbours
from .options import Candidate, candidates_of
from .predictor import Recommender
from .questions import answer, ask
from .ratings import learn_ratings
from .roles import find_roles
from .wishes import describe

# Who took more is a reseller or a robot, and would make everything a neighbour of everything.
MOST_TAUGHT = 500
MOST_ITEMS = 200_000
MOST_CHOOSERS = 2_000
LEAST_CHOOSERS = 50


def fit_recommender(parameters: Parameters, data: Data, search: Search) -> Recommender:
    """Return the model of the best candidate, fitted on both sides: what came last says most about what comes next.

    Raises
    ------
    UserError
        A parameter is not the recipe's, or there are not two users or items.
    """
    roles = find_roles(parameters)
    tried, every = (candidates_of(preset, parameters.params) for preset in (parameters.preset, "best"))
    candidates = search.some(tried, every)
    sides = [data.train, data.validation]
    interactions = most_frequent(read_interactions(sides, roles, parameters.time))
    if len(interactions.users) < 2 or len(interactions.items) < 2:
        raise UserError(
            f"There are {len(interactions.users)} users and {len(interactions.items)} items in the training rows; "
            "two of each are needed."
        )
    signature = describe(parameters, roles)
    chosen = candidates[0]
    if len(candidates) > 1:
        chosen = _choose(candidates, parameters, data, search)
    return fit_candidate(chosen, interactions, signature)


def fit_candidate(candidate: Candidate, interactions: Interactions, signature: Signature) -> Recommender:
    """Return the model with a candidate's neighbours."""
    taught = newest(interactions, MOST_TAUGHT).matrix()
    neighbours = find_neighbours(taught, candidate.neighbours, candidate.shrinkage)
    return replace(popular_only(interactions, signature), neighbours=neighbours)


def popular_only(interactions: Interactions, signature: Signature) -> Recommender:
    """Return a model that knows no neighbours: everybody gets what most users took."""
    items = len(interactions.items)
    return Recommender(
        signature=signature,
        users=interactions.users,
        items=interactions.items,
        taken=interactions.matrix(),
        neighbours=csr_matrix((items, items), dtype=np.float32),
        popularity=interactions.popularity(),
        ratings=learn_ratings(interactions),
    )


def naive(interactions: Interactions, signature: Signature) -> Recommender:
    """Return the baseline: what is popular, and the mean of all ratings."""
    model = popular_only(interactions, signature)
    return replace(model, ratings=model.ratings.flat() if model.ratings else None)


def most_frequent(interactions: Interactions, most: int = MOST_ITEMS) -> Interactions:
    """Return the interactions with at most that many items, the most frequent ones: the rest is never recommended."""
    count = interactions.popularity()
    if len(count) <= most:
        return interactions
    kept = np.sort(np.argsort(-count, kind="stable")[:most])
    code = np.full(len(count), -1)
    code[kept] = np.arange(most)
    rows = code[interactions.item] >= 0
    rating = interactions.rating
    return replace(
        interactions,
        items=tuple(interactions.items[place] for place in kept),
        user=interactions.user[rows],
        item=code[interactions.item[rows]],
        rating=None if rating is None else rating[rows],
    )


def _choose(candidates: Sequence[Candidate], parameters: Parameters, data: Data, search: Search) -> Candidate:
    """Return the candidate that recommends best to the users of the validation side, knowing the training side."""
    roles = find_roles(parameters)
    known = most_frequent(read_interactions([data.train], roles, parameters.time))
    then = read_interactions([data.validation], roles, parameters.time)
    question = ask(known, then, [], (MOST_CHOOSERS, parameters.seed))
    # Few users cannot choose: the first candidate is the one that does well in general.
    if len(question.users) < LEAST_CHOOSERS:
        return candidates[0]
    everyone, signature = np.ones(len(question.users)), describe(parameters, roles)

    def loss(one: Candidate, _rows: Rows) -> float:
        """Return the metric by which a model must beat the baseline, the higher the less."""
        ranking = answer(fit_candidate(one, known, signature), question, K)
        return -measures_of(ranking, question.relevant, len(known.items))[PRIMARY["recommendation"]](everyone)

    # Fewer interactions would be another question, not a cheaper one: all are taken at once.
    return decide(search, candidates, loss, np.zeros(1, dtype=np.int64), rounds=1, settings=asdict)
