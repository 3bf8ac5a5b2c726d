"""Training jobs of the flights example without SageMaker: run by the image's interpreter, asked by JSON lines.

    {"do": "train", "base": …, "month": k, "split": "time" | "hash", "seed": s}
    {"do": "judge", "base": …, "split": …, "seed": s, "challenger": base, "champion": base}
    {"do": "score", "base": …, "month": k, "seed": s}

A job's files lie under its base folder as they do under /opt/ml, and the recipe's own story does all the work.
"""

import dataclasses
import functools
import json
import shutil
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

RECIPE, DATA = Path(sys.argv[1]), Path(sys.argv[2])
sys.path.append(str(RECIPE))

from recipe import serving_cost  # noqa: E402
from recipe.serving import load_folder  # noqa: E402
from recipe.supervised import measures_of  # noqa: E402
from recipe.training import Paths, work  # noqa: E402
from tabular.family import TABULAR  # type: ignore[import-not-found]  # noqa: E402

# Of no use to this comparison, and together more than half of a job's time: latencies, and plots for people.
serving_cost.REQUESTS = (0, 0)
FAMILY = dataclasses.replace(TABULAR, plots=lambda *_: {})
TYPES = {
    "departed_at": "datetime",
    **dict.fromkeys(("carrier", "origin", "dest"), "string"),
    **dict.fromkeys(("distance", "hour", "temp", "wind_speed", "precip", "visib"), "number"),
    "late": "boolean",
}
FILES = ("evaluation", "serving")
SHARE_DRAWN = 0.8  # of each month: what makes one seed another sample of the same months
ENDS = (0.7, 0.8)  # where a month's training rows and its validation rows end


@functools.cache
def months(seed: int) -> list[pd.DataFrame]:
    """Return the sample of each month that *seed* draws, in order of time."""
    files = sorted(DATA.glob("2013-*.csv"))
    read = [pd.read_csv(file, parse_dates=["departed_at"]) for file in files]
    drawn = [frame.sample(frac=SHARE_DRAWN, random_state=seed * 100 + k) for k, frame in enumerate(read)]
    return [frame.sort_values("departed_at").astype({"late": bool}) for frame in drawn]


def train(asked: dict[str, Any]) -> dict[str, Any]:
    """Run one training job on the months up to *month*, of which the last one judges; return its evaluation."""
    base, seed = Path(asked["base"]), int(asked["seed"])
    frames = months(seed)[: asked["month"] + 1]
    newest = frames[-1]
    if asked["split"] == "hash":
        newest = newest.iloc[np.random.default_rng(seed).permutation(len(newest))]
    ends = [round(len(newest) * end) for end in ENDS]
    sides = {
        "train": pd.concat([*frames[:-1], newest[: ends[0]]]),
        "validation": newest[ends[0] : ends[1]],
        "test": newest[ends[1] :],
    }
    for side, frame in sides.items():
        _write(base / "input" / "data" / side / "part-0.parquet", frame)
    evaluation = _work(base, asked)
    with tarfile.open(base / "model.tar.gz", "w:gz", compresslevel=1) as archive:
        archive.add(base / "model", arcname=".")
    return evaluation


def judge(asked: dict[str, Any]) -> dict[str, Any]:
    """Run one evaluation-only job on the challenger's data; return its evaluation."""
    channels, trained = Path(asked["base"]) / "input" / "data", Path(asked["challenger"]) / "input" / "data"
    for side in ("train", "validation", "test"):
        shutil.copytree(trained / side, channels / side)
    for who in ("challenger", "champion"):
        (channels / who).mkdir()
        shutil.copy2(Path(asked[who]) / "model.tar.gz", channels / who)
    champion = {"version": Path(asked["champion"]).name}
    return _work(Path(asked["base"]), asked, purpose="evaluate", champion=champion)


def score(asked: dict[str, Any]) -> dict[str, Any]:
    """Return the log loss of a job's model on a whole month."""
    model = load_folder(TABULAR.serving, Path(asked["base"]) / "model")
    frame = months(int(asked["seed"]))[asked["month"]]
    answers = model.scores_for(_columns(frame), model.signature.classes)
    truth = frame["late"].to_numpy().astype(np.int64)
    return {"log_loss": measures_of(truth, answers)["log_loss"](np.ones(len(truth)))}


def _write(path: Path, frame: pd.DataFrame) -> None:
    path.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path)


def _work(base: Path, asked: dict[str, Any], **more: Any) -> dict[str, Any]:
    document = {
        "format": 1,
        "pipeline": "flights",
        "task": "classification",
        "target": "late",
        "seed": asked["seed"],
        "schema": {"fields": [{"name": name, "type": kind} for name, kind in TYPES.items()]},
        "time": "departed_at" if asked["split"] == "time" else None,
        "split": {"by": asked["split"]},
        **more,
    }
    folder = base / "input" / "data" / "parameters"
    folder.mkdir(parents=True)
    (folder / "parameters.json").write_text(json.dumps(document))
    work(FAMILY, Paths.under(base))
    return {name: json.loads((base / "model" / f"{name}.json").read_text()) for name in FILES}


def _columns(frame: pd.DataFrame) -> dict[str, Any]:
    def typed(name: str, kind: str) -> Any:
        if kind == "string":
            return np.array([None if pd.isna(v) else str(v) for v in frame[name]], dtype=object)
        return frame[name].to_numpy("datetime64[us]" if kind == "datetime" else np.float64)

    return {name: typed(name, kind) for name, kind in TYPES.items()}


def main() -> None:
    """Answer each line; what the recipe prints goes to stderr, for stdout is the wire."""
    wire, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        asked = json.loads(line)
        answer = {"train": train, "judge": judge, "score": score}[asked["do"]](asked)
        print(json.dumps(answer), file=wire, flush=True)


if __name__ == "__main__":
    main()
