"""A job's folder with a table of mixed columns: numbers with gaps, categories few and many, a flag, a time."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

CATEGORIES = {"c0": 5, "c1": 50, "c2": 300, "c3": 20}
SHARES = {"train": (0.0, 0.7), "validation": (0.7, 0.8), "test": (0.8, 1.0)}
KINDS = {"object": "string", "float64": "number", "bool": "boolean", "datetime64[ns]": "datetime"}


def make_table(rows: int, columns: int = 20, seed: int = 0) -> pd.DataFrame:
    """Return rows whose class depends on some of the columns, and on chance."""
    draw = np.random.default_rng(seed)
    frame: dict[str, Any] = {f"n{place:02}": draw.normal(size=rows) for place in range(columns - 6)}
    frame["n00"] = np.where(draw.random(rows) < 0.1, np.nan, frame["n00"])
    codes = {
        name: np.minimum((draw.pareto(1.0, rows) * count / 10).astype(int), count - 1)
        for name, count in CATEGORIES.items()
    }
    for name, count in CATEGORIES.items():
        frame[name] = np.array([f"{name}-{place}" for place in range(count)], dtype=object)[codes[name]]
    frame["flag"] = draw.random(rows) < 0.3
    frame["at"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(rows), unit="min")
    hour = (np.arange(rows) // 60) % 24
    lean = frame["n01"] + 0.7 * frame["n02"] * frame["n03"] + np.sin(2 * frame["n04"]) + 0.5 * frame["flag"]
    lean += 0.8 * (codes["c0"] == 1) + 0.03 * codes["c1"] + 0.7 * (hour > 17) - 1
    frame["y"] = np.where(draw.random(rows) < 1 / (1 + np.exp(-lean)), "yes", "no")
    return pd.DataFrame(frame)


def write_job(folder: Path, rows: int, columns: int = 20) -> None:
    """Write the channels and parameters of a classification with that many training rows."""
    frame = make_table(round(rows / SHARES["train"][1]), columns)
    for side, (first, last) in SHARES.items():
        part = folder / "input" / "data" / side / "part-0.parquet"
        part.parent.mkdir(parents=True)
        own = frame[round(len(frame) * first) : round(len(frame) * last)]
        pq.write_table(pa.Table.from_pandas(own, preserve_index=False), part)
    fields = [{"name": name, "type": KINDS[str(kind)]} for name, kind in frame.dtypes.items()]
    parameters = {
        "format": 1,
        "pipeline": "bench",
        "task": "classification",
        "target": "y",
        "schema": {"fields": fields},
        "split": {"by": "hash"},
    }
    target = folder / "input" / "data" / "parameters" / "parameters.json"
    target.parent.mkdir()
    target.write_text(json.dumps(parameters))
