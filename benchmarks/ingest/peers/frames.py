"""What pandas and awswrangler do with each chunk: both hold the same frames.

Where they fall short, and cannot do better at a like cost: an over-long row is cut to the header's length, so it counts
as good and its last cell vanishes; a short row is filled with missing cells, so it is told as one of them. Left to
itself the C parser skips over-long rows instead, and every row number behind one is too small. The Python parser
would hand over the cells of such a row, and takes ten times as long.
"""

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.ingest.peers import job

# Without index_col=False an over-long first row would make the key the index of all the others.
READING = {"dtype": str, "keep_default_na": False, "index_col": False, "on_bad_lines": "skip", "engine": "c"}
_SAMPLED = 4096  # numbers of each chunk that quantiles are taken of


class Ingest:
    """Validates frames of texts one by one; ``rejects`` and ``profile`` are of all of them so far."""

    def __init__(self) -> None:
        self.rejects: list[tuple[Any, ...]] = []
        self.good = 0
        self._read = 0
        self._numbers = {name: _Numbers() for name in ("age", *job.NUMBERS)}
        self._texts = {name: Counter[str]() for name in (*job.TEXTS, job.LABEL)}
        self._times = _Numbers()

    def sides(self, raw: pd.DataFrame) -> dict[str, pd.DataFrame]:
        """Return the good rows of *raw*, typed, by side; its bad rows join ``rejects``."""
        typed = _typed(raw)
        column = _first_wrong(raw, typed)
        bad = column.notna().to_numpy()
        self._reject(raw[bad], column[bad])
        good = typed[~bad]
        self._read += len(raw)
        self.good += len(good)
        self._add(good)
        hashed = good[job.KEY].to_numpy(np.uint64) * np.uint64(job.FACTOR) % np.uint64(job.MODULUS)
        bucket = hashed % np.uint64(job.BUCKETS)
        return {side: good[(bucket >= low) & (bucket < high)] for side, (low, high) in job.BOUNDS.items()}

    @property
    def profile(self) -> dict[str, Any]:
        """The figures of every column."""
        told: dict[str, Any] = {name: numbers.told(self.good) for name, numbers in self._numbers.items()}
        told[job.TIME] = self._times.told(self.good)
        for name, counts in self._texts.items():
            told[name] = {"distinct": len(counts), "top": counts.most_common(job.TOP)}
        return told

    def _reject(self, raw: pd.DataFrame, column: pd.Series) -> None:
        numbers = raw.index.to_numpy() + job.FIRST_ROW
        places = {name: raw[name].to_numpy() for name in job.COLUMNS}
        for place, (number, name) in enumerate(zip(numbers, column, strict=True)):
            value = places[name][place]
            self.rejects.append((int(number), places[job.KEY][place], name, _rule(name, value), value))

    def _add(self, good: pd.DataFrame) -> None:
        for name, numbers in self._numbers.items():
            numbers.add(good[name].dropna().to_numpy(np.float64))
        self._times.add(good[job.TIME].astype("int64").to_numpy(np.float64))
        for name, counts in self._texts.items():
            counts.update(good[name].value_counts().to_dict())


class _Numbers:
    def __init__(self) -> None:
        self._count, self._sum, self._squares = 0, 0.0, 0.0
        self._low, self._high = np.inf, -np.inf
        self._sample: list[Any] = []

    def add(self, values: Any) -> None:
        if not len(values):
            return
        self._count += len(values)
        self._sum += float(values.sum())
        self._squares += float(values @ values)
        self._low, self._high = min(self._low, values.min()), max(self._high, values.max())
        self._sample.append(values[:: max(1, len(values) // _SAMPLED)])

    def told(self, rows: int) -> dict[str, Any]:
        mean = self._sum / self._count
        std = np.sqrt(max(0.0, self._squares / self._count - mean * mean))
        quantiles = np.quantile(np.concatenate(self._sample), job.QUANTILES).tolist()
        ends = {"min": self._low, "max": self._high, "mean": mean, "std": std}
        return {"count": self._count, "missing": rows - self._count, **ends, "quantiles": quantiles}


def _typed(raw: pd.DataFrame) -> pd.DataFrame:
    typed = {name: raw[name] for name in job.COLUMNS}
    for name in (*job.INTEGERS, *job.NUMBERS):
        # Takes "inf" and "1e999" too, which we do not: the library's own reading.
        typed[name] = pd.to_numeric(raw[name].replace("", None), errors="coerce")
    for name in job.INTEGERS:
        typed[name] = typed[name].where(typed[name] % 1 == 0)
    typed[job.TIME] = pd.to_datetime(raw[job.TIME], format="%Y-%m-%dT%H:%M:%S", errors="coerce")
    return pd.DataFrame(typed)


def _first_wrong(raw: pd.DataFrame, typed: pd.DataFrame) -> pd.Series:
    """Return the first column of each row that is wrong, None for a good row."""
    found = pd.Series(None, index=raw.index, dtype=object)
    wrong = {name: typed[name].isna() & (raw[name] != "") for name in ("age", *job.NUMBERS, job.TIME)}
    wrong[job.KEY] = typed[job.KEY].isna()
    wrong[job.LABEL] = ~raw[job.LABEL].isin(job.LABELS)
    for name in reversed([name for name in job.COLUMNS if name in wrong]):
        found[wrong[name]] = name
    return found


def _rule(name: str, value: str) -> str:
    if name == job.LABEL:
        return "not a known label" if value else "target missing"
    if name == job.TIME:
        return "not a datetime"
    return "not an integer" if name in job.INTEGERS else "not a number"
