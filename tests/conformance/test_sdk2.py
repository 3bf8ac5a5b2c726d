"""The SageMaker SDK 2, unmodified (conformance item 26)."""

from pathlib import Path

from tests.conformance.scripts import INFER, TRAIN
from tests.conformance.sdk import Sdk

SCRIPT = f"{INFER}\nif __name__ == '__main__':\n" + "".join(f"    {line}\n" for line in TRAIN.splitlines())


def test_an_sklearn_estimator_fits_deploys_and_predicts(sdk2: Sdk, tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "script.py").write_text(SCRIPT)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("1,2\n")
    told, printed = sdk2.run("estimator.py", tmp_path / "code", tmp_path / "data")
    assert told == {"status": "Completed", "loss": 0.25, "reply": [3.0, 6.0]}
    assert "loss: 0.25 ['a.csv']" in printed
