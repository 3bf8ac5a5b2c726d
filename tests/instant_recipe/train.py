"""A recipe that trains in no time: for every data set the same constant model with the same judgement.

What a run under faults measures is everything around the training. Standard library only: importing numpy would take
longer than the rest of the job.
"""

import json
import os
from pathlib import Path

BETTER = {"estimate": -0.1, "low": -0.12, "high": -0.08}
EVALUATION = {
    "format": 1,
    "task": "classification",
    "rows": 500,
    "trained_through": None,
    "primary": "log_loss",
    "metrics": {"challenger": {"log_loss": 0.4}, "champion": None, "baseline": {"log_loss": 0.5}},
    "higher_is_better": {"log_loss": False},
    "differences": {"champion": None, "baseline": {"log_loss": BETTER}},
    "champion_version": None,
    "champion_error": None,
}
SERVING = {
    "format": 1,
    "method": "not measured",
    "requests": 0,
    "metrics": {"challenger": {}, "champion": None},
    "differences": {"champion": None},
}
DOCUMENTS = {
    "signature.json": {"format": 1, "inputs": [{"name": "distance_km", "type": "number"}]},
    "versions.json": {"python": "3.12", "packages": {}},
    "evaluation.json": EVALUATION,
    "serving.json": SERVING,
    "golden.jsonl": {"record": {"distance_km": 1.0}, "prediction": {"value": 0}},
}

if __name__ == "__main__":
    folder = Path(os.environ.get("SM_MODEL_DIR", "/opt/ml/model"))
    (folder / "code").mkdir(parents=True, exist_ok=True)
    for name, content in DOCUMENTS.items():
        (folder / name).write_text(json.dumps(content) + "\n")
    (folder / "card.md").write_text("# A constant\n")
    (folder / "code" / "inference.py").write_text((Path(__file__).parent / "inference.py").read_text())
