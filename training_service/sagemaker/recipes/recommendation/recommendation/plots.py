"""What there is to see of recommendations: how recall grows with the list, and how popular what is shown is."""

import numpy as np
from recipe.metrics import Floats
from recipe.vega import Spec, spec

from .judging import Tasted
from .metrics import hits_of
from .predictor import Recommender

BINS = 10


def recommendation_plots(judged: Tasted, challenger: Recommender) -> dict[str, Spec]:
    """Return all plots of the judged users."""
    return {"recall": recall_curve(judged), "popularity": popularity(judged, challenger)}


def recall_curve(judged: Tasted) -> Spec:
    """Return the share of what users took next that lists of growing length hold, of everybody."""
    wanted = np.maximum(np.diff(judged.relevant.indptr), 1)
    values = []
    for who, ranking in judged.answers.items():
        recall: Floats = (np.cumsum(hits_of(ranking, judged.relevant), axis=1) / wanted[:, None]).mean(axis=0)
        values += [{"k": k, "recall": round(float(r), 4), "who": who} for k, r in enumerate(recall, start=1)]
    x, y = {"field": "k", "title": "length of the list"}, {"field": "recall", "title": "recall"}
    drawn = spec("Recall by the length of the list", "line", x, y, values)
    drawn["encoding"]["color"] = {"field": "who", "type": "nominal", "title": None}
    return drawn


def popularity(judged: Tasted, challenger: Recommender) -> Spec:
    """Return how much of what is recommended comes from the most popular tenth of the items, the next, and so on."""
    ranking = challenger.rank(
        challenger.histories_of(challenger.users[:1000]), challenger.taken[:1000], BINS
    ).item
    rank = np.empty(len(challenger.items), dtype=np.int64)
    rank[challenger.most_popular] = np.arange(len(rank))
    tenth = rank[ranking[ranking >= 0]] * BINS // max(len(rank), 1)
    shares = np.bincount(tenth, minlength=BINS) / max(len(tenth), 1)
    values = [{"tenth": place + 1, "share": round(float(s), 4)} for place, s in enumerate(shares)]
    x = {"field": "tenth", "type": "ordinal", "title": "tenth of the items, the most popular first"}
    y = {"field": "share", "title": "share of what is recommended"}
    return spec("How popular what is recommended is", "bar", x, y, values)
