"""Choose among candidates once, and hold to it: who trains the same model again must not choose otherwise.

How many candidates are tried depends on the clock, and so on the machine. So the choice is written down: in the model, as
`search.json`, from where a reproduction takes it instead of searching; and in the job's checkpoints, so that an attempt that goes
on where another was interrupted goes on with the same candidate.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .artifact import write_json
from .failure import UserError
from .growing import checkpoint_folder
from .halving import Codes, Found, Rows, choose, rounds_for, some
from .parameters import Parameters

SEARCH_FILE = "search.json"
type Document = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Search:
    """How long candidates may be tried, and where the choice is kept.

    `trials` is how many a person asked for, 0 as many as the preset has; `known` is a choice that was made before.
    """

    seed: int
    within_s: float
    model: Path
    trials: int = 0
    known: Document | None = None

    @classmethod
    def of(cls, parameters: Parameters, model: Path) -> "Search":
        """Return the search of a job that writes its model into that folder."""
        return cls(
            seed=parameters.seed,
            within_s=parameters.search_s,
            model=model,
            trials=parameters.trials,
            known=parameters.search or None,
        )

    def some[Candidate](self, usual: Sequence[Candidate], every: Sequence[Candidate]) -> Sequence[Candidate]:
        """Return what the preset tries, or as many of all that the recipe knows as were asked for."""
        return some(every, self.trials, self.seed) if self.trials else usual

    def rounds(self, usual: int) -> int:
        """Return in how many rounds candidates are halved."""
        return rounds_for(self.trials) if self.trials else usual


def decide[Candidate](
    search: Search,
    candidates: Sequence[Candidate],
    loss: Callable[[Candidate, Rows], float],
    target: Codes,
    *,
    rounds: int,
    settings: Callable[[Candidate], Document],
) -> Candidate:
    """Return the best candidate by successive halving, or the one that was chosen before, and write the choice down.

    Parameters
    ----------
    settings
        Says what a candidate is, in terms of JSON; of equal ones the first is tried.

    Raises
    ------
    UserError
        The choice to repeat is none of the candidates.
    """
    named: dict[str, Candidate] = {}
    for one in candidates:
        named.setdefault(_name(settings(one)), one)
    different = list(named.values())
    if len(different) == 1:
        return different[0]
    key = hashlib.sha256("\n".join(named).encode()).hexdigest()
    document = search.known or _read_kept(search, key)
    if document is None:
        found = choose(different, loss, target, rounds=rounds, seed=search.seed, within_s=search.within_s)
        document = _describe(found, len(different), settings(found.candidate))
        _keep(search, key, document)
    write_json(search.model / SEARCH_FILE, document)
    chosen = _name(document["chosen"])
    if chosen not in named:
        raise UserError(f"The settings to be repeated, {chosen}, are none that this recipe tries.")
    return named[chosen]


def _name(settings: Document) -> str:
    return json.dumps(settings, sort_keys=True)


def _describe(found: Found[Any], candidates: int, chosen: Document) -> Document:
    ended = ", where its time was over" if found.ended_early else ""
    print(f"chose {chosen} of {candidates} candidates in {found.fits} fits{ended}", flush=True)
    return {
        "format": 1,
        "candidates": candidates,
        "fits": found.fits,
        "ended_early": found.ended_early,
        "chosen": chosen,
    }


def _read_kept(search: Search, key: str) -> Document | None:
    """Return the choice of an earlier attempt among the very same candidates."""
    path = checkpoint_folder(search.model) / SEARCH_FILE
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        document: Document | None = kept["search"] if kept["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return document


def _keep(search: Search, key: str, document: Document) -> None:
    folder = checkpoint_folder(search.model)
    if not folder.is_dir():
        return
    draft = folder / f".{SEARCH_FILE}.new"
    write_json(draft, {"key": key, "search": document})
    draft.replace(folder / SEARCH_FILE)
