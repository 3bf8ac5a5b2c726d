"""What `model.params` may say to the recommendation recipe, and what the presets try."""

from collections.abc import Mapping
from dataclasses import dataclass

from recipe.options import Option, check_options

OPTIONS = {
    "neighbours": Option(kind=int, low=1, high=1000),
    "shrinkage": Option(kind=float, low=0.0, high=10_000.0),
}


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """How many neighbours an item has, and how many users in common count as few."""

    neighbours: int
    shrinkage: float


USUAL = Candidate(neighbours=100, shrinkage=5.0)
PRESETS = {
    "fast": (USUAL,),
    "good": (USUAL, *(Candidate(neighbours=100, shrinkage=s) for s in (0.0, 20.0, 100.0))),
    "best": (
        USUAL,
        *(
            Candidate(neighbours=n, shrinkage=s)
            for n in (100, 20, 50, 300)
            for s in (5.0, 0.0, 1.0, 20.0, 100.0)
            if (n, s) != (100, 5.0)
        ),
    ),
}


def candidates_of(preset: str, params: Mapping[str, object]) -> list[Candidate]:
    """Return what is tried, the usual one first; what a person asked for is not tried otherwise."""
    asked = check_options("recommendation", OPTIONS, params)
    chosen = [
        Candidate(
            neighbours=int(asked.get("neighbours", one.neighbours)),
            shrinkage=float(asked.get("shrinkage", one.shrinkage)),
        )
        for one in PRESETS[preset]
    ]
    return list(dict.fromkeys(chosen))
