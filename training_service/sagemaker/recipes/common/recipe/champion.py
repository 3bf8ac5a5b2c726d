"""The models that are judged: the one just trained, and those that come as the artifact of an earlier job."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .artifact import EVALUATION_FILE, SEEN_FILE, load_hashes, read_members
from .failure import ModelRefusedError
from .parameters import Parameters
from .serving import Serving, load_model
from .signature import Signature
from .times import parse_time

ARCHIVE = "model.tar.gz"
type Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """A model that is judged and what it was trained on, by time or by row hash.

    `size_bytes` are those of the files that an endpoint loads, unpacked.
    """

    model: Any
    trained_through: np.datetime64 | None
    seen_rows: Hashes | None
    size_bytes: int


def load_contestant(folder: Path, whose: str, stated_through: str | None, serving: Serving) -> Contestant:
    """Load a model from its own tarball in a channel; none of the code in there is run.

    Parameters
    ----------
    whose
        `champion` or `challenger`, for the sentences.
    stated_through
        The newest time it was trained on, as the registry has it; None where it has none.

    Raises
    ------
    ModelRefusedError
        It is missing, not safe to load, or does not say what it was trained on.
    """
    archive = folder / ARCHIVE
    if not archive.is_file():
        raise ModelRefusedError(f"The channel '{whose}' has no {ARCHIVE}.")
    # Only these members, read by name: the model's own code and any path in the archive stay untouched.
    members = read_members(archive, {EVALUATION_FILE, SEEN_FILE, *serving.all_files})
    contestant = Contestant(
        model=load_model(serving, members, whose),
        trained_through=_trained_through(stated_through, whose, members.get(EVALUATION_FILE)),
        seen_rows=load_hashes(members[SEEN_FILE]) if SEEN_FILE in members else None,
        size_bytes=sum(len(members[name]) for name in serving.all_files if name in members),
    )
    if contestant.trained_through is None and contestant.seen_rows is None:
        raise ModelRefusedError(f"The {whose} does not say which rows it was trained on.")
    return contestant


def _trained_through(stated: str | None, whose: str, evaluation: bytes | None) -> np.datetime64 | None:
    """Believe the registry first, then what the model's own run wrote down."""
    if stated:
        return parse_time(stated)
    try:
        written = json.loads(evaluation or b"{}").get("trained_through")
        return parse_time(written) if written else None
    except (ValueError, AttributeError) as error:
        raise ModelRefusedError(f"The {whose}'s {EVALUATION_FILE} cannot be read: {error}") from error


def check_question(signature: Signature, parameters: Parameters) -> None:
    """Refuse a comparison with a model that answers another question, or takes other columns than there are."""
    if (signature.task, signature.target.name) != (parameters.task, parameters.target):
        raise ModelRefusedError(f"The champion predicts '{signature.target.name}' ({signature.task}).")
    types = {f.name: f.type for f in parameters.fields}
    for taken in signature.inputs:
        if types.get(taken.name) != taken.type:
            now = types.get(taken.name, "gone")
            raise ModelRefusedError(f"The schema changed: '{taken.name}' was {taken.type}, now it is {now}.")
