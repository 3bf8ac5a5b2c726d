"""Boosting that goes on where it was interrupted: what has grown is kept in the job's checkpoints.

Growing in steps gives the very trees that one go gives (a test compares them bit by bit), so a model does not depend on
whether, when and how often its training was interrupted. Trees that see a random part of the columns would not be the same, for
scikit-learn draws from the beginning again with every step: those are grown in one go.
"""

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import skops.io as sio
from skops.io.exceptions import UntrustedTypesFoundException

from .artifact import TRUSTED_TYPES
from .metrics import Floats
from .reproducible import dump_canonical

# The steps double: each has to put the rows into bins again and to ask all trees before it.
FIRST_STEP = 100
# Rows x columns x trees; some 10 ns each, so less than half a minute: that is sooner done again than kept.
WORTH_KEEPING = 3e9
type Rows = tuple[Floats, Floats]


def checkpoint_folder(model_folder: Path) -> Path:
    """Return where a job keeps its progress: SageMaker gives `checkpoints` beside `model`, and keeps it in S3."""
    return model_folder.parent / "checkpoints"


def fill_empty(features: Floats) -> Floats:
    """Return the features with zeros in every column that has no value in these rows.

    scikit-learn cannot bin those; a constant is as good, for no tree ever splits on it.
    """
    empty = np.isnan(features).all(axis=0)
    return np.where(empty, 0.0, features) if empty.any() else features


def grow(
    estimator: Any, train: Rows, held_out: Rows | None, folder: Path, *, worth_keeping: float = WORTH_KEEPING
) -> Any:
    """Return the estimator with all its trees, or as many as the held-out rows wanted.

    Parameters
    ----------
    estimator
        A histogram gradient boosting of scikit-learn, unfitted.
    folder
        The job's checkpoints; where there is no such folder, nothing is kept.
    worth_keeping
        From how much work on it grows in steps and keeps each of them.
    """
    draws_columns = estimator.max_features < 1.0
    if draws_columns or train[0].size * estimator.max_iter < worth_keeping or not folder.is_dir():
        return _fit(estimator, train, held_out)
    return _grow_in_steps(estimator, train, held_out, folder / f"boosting-{_name(estimator)}.skops")


def _fit(estimator: Any, train: Rows, held_out: Rows | None) -> Any:
    features, target = held_out or (None, None)
    return estimator.fit(*train, X_val=features, y_val=target)


def _grow_in_steps(estimator: Any, train: Rows, held_out: Rows | None, path: Path) -> Any:
    """Go on from what is kept under *path*, and keep there what each step but the last has grown."""
    wanted = estimator.max_iter
    grown = _resume(path, estimator)
    step = grown.n_iter_ if hasattr(grown, "n_iter_") else 0
    while True:
        step = min(wanted, max(FIRST_STEP, 2 * step))
        grown.set_params(max_iter=step, warm_start=True)
        _fit(grown, train, held_out)
        if grown.n_iter_ < step or step == wanted or _has_stopped(grown):
            # As if it had grown in one go, in every parameter.
            return grown.set_params(max_iter=wanted, warm_start=False)
        _keep(path, grown)


def _has_stopped(estimator: Any) -> bool:
    """Say whether the held-out loss has stopped improving just where a step ends, as `fit` itself would."""
    scores, patience = estimator.validation_score_, estimator.n_iter_no_change
    if not estimator.do_early_stopping_ or len(scores) <= patience:
        return False
    reference = scores[-patience - 1] + estimator.tol
    return not any(score > reference for score in scores[-patience:])


def _name(estimator: Any) -> str:
    """Return a hash of the settings: what was grown with others must not be taken for a beginning of this one."""
    return hashlib.sha256(json.dumps(estimator.get_params(), sort_keys=True).encode()).hexdigest()[:16]


def _resume(path: Path, fresh: Any) -> Any:
    """Return what an earlier attempt has grown, or *fresh*; a checkpoint that cannot be read is as good as none."""
    if not path.is_file():
        return fresh
    try:
        # Written by this job's own attempts, from the same inputs; still nothing is unpickled.
        found = sio.load(path, trusted=TRUSTED_TYPES)
    except (
        OSError,
        zipfile.BadZipFile,
        UntrustedTypesFoundException,
        KeyError,
        TypeError,
        ValueError,
    ) as error:
        print(f"checkpoint not used: {error}", flush=True)
        return fresh
    if type(found) is not type(fresh) or found.n_iter_ >= fresh.max_iter:
        return fresh
    print(f"resumed after {found.n_iter_} of {fresh.max_iter} trees", flush=True)
    return found


def _keep(path: Path, estimator: Any) -> None:
    """Replace the checkpoint, whole or not at all: it is copied to S3 at any moment."""
    draft = path.with_name(f".{path.name}.new")
    draft.write_bytes(dump_canonical(estimator))
    draft.replace(path)
    print(f"kept {estimator.n_iter_} trees", flush=True)
