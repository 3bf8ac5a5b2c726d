"""One program that trains on a job's folder, in an interpreter of its own: `program.py WHO FOLDER [CODE]`.

Prints one JSON line: CPU seconds from reading to the saved model (imports left out), AUC on the test side, peak memory.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

CATEGORIES = ["c0", "c1", "c2", "c3"]
type Told = dict[str, Any]


def recipe(folder: Path) -> Told:
    """The recipe `tabular` as a job runs it; `job_cpu_s` has judging, plots, golden rows and packing in it."""
    from recipe import training
    from tabular.family import TABULAR  # type: ignore[import-not-found]

    told: Told = {}
    fit = TABULAR.fit

    def timed(*arguments: Any) -> None:
        """Fit and save, and note when it was done."""
        fit(*arguments)
        told["fit_cpu_s"] = time.process_time() - began

    began = time.process_time()
    evaluation = training.work(replace(TABULAR, fit=timed), training.Paths.under(folder))
    return told | {
        "job_cpu_s": time.process_time() - began,
        "auc": evaluation["metrics"]["challenger"]["roc_auc"],
    }


def sklearn(folder: Path) -> Told:
    """What one writes by hand: pandas, OrdinalEncoder, the same boosting with the same settings."""
    import joblib
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.preprocessing import OrdinalEncoder

    began = time.process_time()
    (train, validation, test), target = read(folder)
    encoder = OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
        max_categories=200,
    )
    encode = ColumnTransformer([("categories", encoder, CATEGORIES)], remainder="passthrough")
    rows = encode.fit_transform(train).astype(np.float64)
    model = HistGradientBoostingClassifier(
        max_iter=80, learning_rate=0.12, early_stopping=True, n_iter_no_change=10, random_state=42
    )
    model.fit(rows, target[0], X_val=encode.transform(validation).astype(np.float64), y_val=target[1])
    joblib.dump((encode, model), folder / "model.joblib", compress=6)
    told = {"fit_cpu_s": time.process_time() - began}
    scores = model.predict_proba(encode.transform(test).astype(np.float64))[:, 1]
    return told | {"auc": roc_auc_score(target[2], scores)}


def lightgbm(folder: Path) -> Told:
    """LightGBM with its own categories and its own defaults: 100 trees, and the same patience."""
    import lightgbm as lgb

    began = time.process_time()
    (train, validation, test), target = read(folder)
    for name in CATEGORIES:
        known = pd.CategoricalDtype(sorted(train[name].unique()))
        for side in (train, validation, test):
            side[name] = side[name].astype(known)
    data = lgb.Dataset(train, label=target[0])
    model = lgb.train(
        {"objective": "binary", "num_threads": 1, "seed": 42, "verbose": -1},
        data,
        num_boost_round=100,
        valid_sets=[lgb.Dataset(validation, label=target[1], reference=data)],
        callbacks=[lgb.early_stopping(10, verbose=False)],
    )
    model.save_model(folder / "lightgbm.txt")
    told = {"fit_cpu_s": time.process_time() - began}
    return told | {"auc": auc(target[2], model.predict(test))}


def read(folder: Path) -> tuple[list[pd.DataFrame], list[Any]]:
    """Return the three sides with the calendar's numbers, and their targets as 0 and 1."""
    sides, targets = [], []
    for name in ("train", "validation", "test"):
        frame = pd.read_parquet(folder / "input" / "data" / name)
        at = frame.pop("at").dt
        targets.append((frame.pop("y") == "yes").to_numpy().astype(np.int64))
        sides.append(frame.assign(month=at.month, weekday=at.day_of_week, hour=at.hour))
    return sides, targets


def auc(truth: Any, scores: Any) -> float:
    """Return the share of pairs that are ranked rightly."""
    ranks = pd.Series(scores).rank().to_numpy()
    hits = int(truth.sum())
    return float((ranks[truth == 1].sum() - hits * (hits + 1) / 2) / (hits * (len(truth) - hits)))


def peak_mb() -> int:
    """Return the most memory this process ever had."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) // 1024


if __name__ == "__main__":
    # The code comes from a tarball, as a job has it; another interpreter's packages must not be found.
    sys.path[:0] = sys.argv[3:]
    programs: dict[str, Callable[[Path], Told]] = {"recipe": recipe, "sklearn": sklearn, "lightgbm": lightgbm}
    outcome = programs[sys.argv[1]](Path(sys.argv[2]))
    print(json.dumps(outcome | {"memory_mb": peak_mb()}))
