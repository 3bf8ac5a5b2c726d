"""Find the best of many candidates without fitting each of them on every row: successive halving."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

FACTOR = 3
type Codes = npt.NDArray[np.int64]
type Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Found[Candidate]:
    """What a search came to: the best candidate, after how many fits, and whether its time ended it."""

    candidate: Candidate
    fits: int
    ended_early: bool = False


def choose[Candidate](
    candidates: Sequence[Candidate],
    loss: Callable[[Candidate, Rows], float],
    target: Codes,
    *,
    rounds: int,
    seed: int,
    within_s: float = math.inf,
) -> Found[Candidate]:
    """Return the candidate with the least held-out loss when fitted on all rows.

    Each round but the last keeps the best third and gives it three times the rows (Jamieson and Talwalkar 2016).

    Parameters
    ----------
    loss
        Fits a candidate on the rows at these positions and returns its loss on rows that are none of them.
    target
        Codes of the classes, of shape (rows,): every round has its share of each.
    within_s
        After that time no further fit is begun, and the best one so far is taken: another run may then choose
        otherwise.
    """
    left, fits = list(candidates), 0
    until = time.monotonic() + within_s
    for power in range(rounds - 1, -1, -1):
        if len(left) == 1:
            break
        rows = sample_rows(target, FACTOR**-power, seed)
        losses: list[float] = []
        for one in left:
            if losses and time.monotonic() > until:
                return Found(candidate=left[int(np.argmin(losses))], fits=fits, ended_early=True)
            losses.append(loss(one, rows))
            fits += 1
        kept = max(1, len(left) // FACTOR) if power else 1
        left = [left[place] for place in np.argsort(losses, kind="stable")[:kept]]
    return Found(candidate=left[0], fits=fits)


def sample_rows(target: Codes, share: float, seed: int) -> Rows:
    """Return the sorted positions of that share of every class, at least two of each where it has them."""
    order = np.random.default_rng(seed).permutation(len(target))
    own = [order[target[order] == code] for code in np.unique(target)]
    return np.sort(np.concatenate([rows[: max(2, round(share * len(rows)))] for rows in own]))


def draw(choices: Mapping[str, Sequence[Any]], count: int, seed: int) -> list[dict[str, Any]]:
    """Return that many different settings, or as many as there are; the first one is empty: what is usual."""
    every = list(product(*choices.values()))
    order = np.random.default_rng(seed).permutation(len(every))[: count - 1]
    return [{}, *(dict(zip(choices, every[place], strict=True)) for place in order)]


def some[Candidate](candidates: Sequence[Candidate], count: int, seed: int) -> list[Candidate]:
    """Return that many of the candidates, or all where there are fewer; the first one, which is usual, among them."""
    order = np.random.default_rng(seed).permutation(len(candidates) - 1)[: count - 1] + 1
    return [candidates[0], *(candidates[place] for place in np.sort(order))]


def rounds_for(count: int) -> int:
    """Return in how many rounds so many candidates are worth being halved: few find the best on all rows at once."""
    return min(3, 1 + int(math.log(count, FACTOR) + 1e-9))
