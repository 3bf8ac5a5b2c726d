"""What answers say of themselves: how wrong they expect to be, and how often which class.

A calibrated model that gives a class the probability p is right p of the time. So the mean entropy of its scores is the log
loss it expects, without a single label: confidence-based performance estimation (Garg et al. 2022, Białek et al. 2024, "CBPE"). Of a regression it is the
width of the interval, wider where rows are harder. Neither sees that the world answers otherwise than before to the same rows.
"""

import math
from collections.abc import Iterable

from chalicelib.inference.answers import Answer
from chalicelib.inference.tally import Tally

# With more classes the shares would be more attributes than one update takes.
MAX_CLASSES = 20
_MILLION = 1_000_000


def expect(answers: Iterable[Answer]) -> Tally:
    """Return what *answers* expect of themselves; of those that do not say nothing."""
    estimated, total, squares = 0, 0.0, 0.0
    shares: dict[int, int] = {}
    for answer in answers:
        loss = _expected(answer)
        if loss is None:
            continue
        estimated += 1
        total += loss
        squares += loss * loss
        if answer.scores and len(answer.scores) <= MAX_CLASSES:
            for place, name in enumerate(sorted(answer.scores)):
                shares[place] = shares.get(place, 0) + round(answer.scores[name] * _MILLION)
    return Tally(estimated=estimated, expected=total, expected_squares=squares, shares=shares)


def _expected(answer: Answer) -> float | None:
    if answer.scores:
        return -sum(share * math.log(share) for share in answer.scores.values() if share > 0)
    if answer.interval:
        low, high = answer.interval
        return high - low
    return None
