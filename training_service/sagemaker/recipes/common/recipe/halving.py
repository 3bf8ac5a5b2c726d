"""Find the best of many candidates without fitting each of them on every row: successive halving."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

FACTOR = 3
type Codes = npt.NDArray[np.int64]
type Rows = npt.NDArray[np.int64]


def choose[Candidate](
    candidates: Sequence[Candidate],
    loss: Callable[[Candidate, Rows], float],
    target: Codes,
    *,
    rounds: int,
    seed: int,
    within_s: float = math.inf,
) -> Candidate:
    """Return the candidate with the least held-out loss when fitted on all rows.

    Each round but the last keeps the best third and gives it three times the rows (Jamieson and Talwalkar 2016).

    Parameters
    ----------
    loss
        Fits a candidate on the rows at these positions and returns its loss on rows that are none of them.
    target
        Codes of the classes, of shape (rows,): every round has its share of each.
    within_s
        After that time no further fit is begun, and the best one so far is taken. The log says so, since another run
        may then choose otherwise.
    """
    left = list(candidates)
    until = time.monotonic() + within_s
    for power in range(rounds - 1, -1, -1):
        if len(left) == 1:
            break
        rows = sample_rows(target, FACTOR**-power, seed)
        losses: list[float] = []
        for one in left:
            if losses and time.monotonic() > until:
                print(
                    f"search ended after {within_s:.0f} s: {len(losses)} of {len(left)} were tried",
                    flush=True,
                )
                return left[int(np.argmin(losses))]
            losses.append(loss(one, rows))
        kept = max(1, len(left) // FACTOR) if power else 1
        left = [left[place] for place in np.argsort(losses, kind="stable")[:kept]]
    return left[0]


def sample_rows(target: Codes, share: float, seed: int) -> Rows:
    """Return the sorted positions of that share of every class, at least two of each where it has them."""
    order = np.random.default_rng(seed).permutation(len(target))
    own = [order[target[order] == code] for code in np.unique(target)]
    return np.sort(np.concatenate([rows[: max(2, round(share * len(rows)))] for rows in own]))


def draw(choices: Mapping[str, Sequence[Any]], count: int, seed: int) -> list[dict[str, Any]]:
    """Return that many settings drawn from the choices; the first one is empty: what is usual."""
    random = np.random.default_rng(seed)
    others = [
        {name: values[random.integers(len(values))] for name, values in choices.items()}
        for _ in range(count - 1)
    ]
    return [{}, *others]
