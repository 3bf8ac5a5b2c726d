"""How a model of tastes answers: `{"user", "k"?, "exclude_seen"?, "items"?}` in, items in order out.

Who is unknown is answered by the given `items`, and without any by what is popular.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from recipe.serving import Body, Serving
from scipy.sparse import csr_matrix

from .ids import Codes, to_matrix
from .predictor import Ranking, Recommender
from .state import ARRAYS_FILE, IDS_FILE, load
from .wishes import Wish, read_wishes

DIGITS = 6


def parse(body: Body, content_type: str, model: Recommender) -> list[Wish]:
    """Return what is asked; raise `RequestError` naming the record that is wrong."""
    return read_wishes(body, content_type, model.signature)


def answer(model: Recommender, wishes: Sequence[Wish]) -> list[dict[str, Any]]:
    """Return the items of every record, the likeliest first; fewer than `k` where there are no more."""
    given = _given(model, wishes)
    histories = csr_matrix(model.histories_of([wish.user for wish in wishes]).maximum(given))
    histories.sort_indices()
    shown = np.array([wish.exclude_seen for wish in wishes], dtype=np.float32)
    hidden = csr_matrix(histories.multiply(shown[:, None]))
    hidden.eliminate_zeros()
    hidden.sort_indices()
    ranking = model.rank(histories, hidden, max(wish.k for wish in wishes))
    return [{"items": _items(model, wish, ranking, place)} for place, wish in enumerate(wishes)]


def _given(model: Recommender, wishes: Sequence[Wish]) -> csr_matrix:
    """Return the given items that the model knows, of shape (records, items)."""
    pairs = [
        (place, model.item_codes[item])
        for place, wish in enumerate(wishes)
        for item in wish.items
        if item in model.item_codes
    ]
    rows, columns = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return to_matrix(rows, columns, (len(wishes), len(model.items)))


def _items(model: Recommender, wish: Wish, ranking: Ranking, place: int) -> list[dict[str, Any]]:
    codes = ranking.item[place, : wish.k]
    codes = codes[codes >= 0]
    scores = [round(score, DIGITS) for score in ranking.score[place, : len(codes)].tolist()]
    found = [
        {"item": model.items[code], "score": score}
        for code, score in zip(codes.tolist(), scores, strict=True)
    ]
    if model.ratings is None:
        return found
    user = -1 if wish.user is None else model.user_codes.get(wish.user, -1)
    who: Codes = np.full(len(codes), user)
    expected = model.ratings.expect(who, codes).tolist()
    return [one | {"rating": round(rating, DIGITS)} for one, rating in zip(found, expected, strict=True)]


def tabulate(model: Recommender, predictions: Sequence[dict[str, Any]]) -> list[list[Any]]:
    """Return a row per item: the record's number, the rank from 1, the item, its score and expected rating."""
    names = ["item", "score", *(["rating"] if model.ratings else [])]
    rows: list[list[Any]] = [["record", "rank", *names]]
    for place, one in enumerate(predictions):
        rows += [[place, rank, *(item[n] for n in names)] for rank, item in enumerate(one["items"], start=1)]
    return rows


SERVING = Serving(files=(IDS_FILE, ARRAYS_FILE), load=load, parse=parse, answer=answer, tabulate=tabulate)
