"""Which rows may judge: those that neither the challenger nor the champion was trained on."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from .columns import Columns, row_count
from .parameters import Parameters

type Hashes = npt.NDArray[np.uint64]
type Mask = npt.NDArray[np.bool_]


def hash_rows(columns: Columns, parameters: Parameters) -> Hashes:
    """Return a 64-bit hash per row, of the key where there is one, else of every column in order of name.

    Columns are already in canonical types (see `data`), so the same row hashes alike in every job.
    """
    names = [parameters.key] if parameters.key else sorted(f.name for f in parameters.fields)
    frame = pd.DataFrame({name: columns[name] for name in names})
    hashed: Hashes = pd.util.hash_pandas_object(frame, index=False).to_numpy(dtype=np.uint64)
    return hashed


def hash_groups(columns: Columns, group: str) -> Hashes:
    """Return a 64-bit hash per row, of its group; equal texts of another column hash differently."""
    frame = pd.DataFrame({"name": group, "group": columns[group]})
    hashed: Hashes = pd.util.hash_pandas_object(frame, index=False).to_numpy(dtype=np.uint64)
    return hashed


def hash_taught(columns: Columns, parameters: Parameters) -> Hashes:
    """Return the sorted hashes by which `judged_rows` knows these rows again, and with them their groups."""
    return np.unique(np.concatenate(_hashes(columns, parameters)))


def last_time(parts: Sequence[Columns], time: str | None) -> np.datetime64 | None:
    """Return the newest time in the parts, None without a time column or with no time in it."""
    if time is None:
        return None
    known = [part[time][~np.isnat(part[time])] for part in parts]
    newest = [times.max() for times in known if len(times)]
    return max(newest) if newest else None


def judged_rows(
    test: Columns,
    parameters: Parameters,
    through: Sequence[np.datetime64 | None],
    seen: Sequence[Hashes | None],
) -> Mask:
    """Choose the rows of `test` that no model was trained on, nor on any other row of their group.

    The sides keep groups apart by themselves, but only within one seed and one rule of splitting.

    Parameters
    ----------
    through
        Per model, the newest time it was trained on.
    seen
        Per model, what `hash_taught` said of the rows it was trained on.
    """
    kept = np.ones(row_count(test), dtype=bool)
    hashes: list[Hashes] = []
    for limit, rows in zip(through, seen, strict=True):
        if parameters.judges_by_time and parameters.time and limit is not None:
            kept &= test[parameters.time] > limit
        elif rows is not None:
            hashes = hashes or _hashes(test, parameters)
            for known in hashes:
                kept &= ~np.isin(known, rows)
    return kept


def _hashes(columns: Columns, parameters: Parameters) -> list[Hashes]:
    groups = [hash_groups(columns, parameters.group)] if parameters.group else []
    return [hash_rows(columns, parameters), *groups]
