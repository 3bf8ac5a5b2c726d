"""A recipe of one's own, and an image: pushed, trained, gated and served; and what a person is told of one that breaks."""

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clouds import ROOT
from tests.e2e.conftest import Pipelines
from tests.own_images import EXTRA, URI, own_image
from tests.own_recipes import changed, constant_recipe
from tests.stage import Stage, eventually

EXAMPLE = ROOT / "examples" / "constant"
# What is changed in train.py, and what the job's row then says.
BROKEN = {
    "exits": ("    main(Job", "    sys.exit('no luck today')\n    main(Job", "AlgorithmError: "),
    "silent": (
        '    write_json(folder / "evaluation.json", evaluation)\n',
        "",
        "artifact: model.tar.gz lacks evaluation.json",
    ),
    "nan": (
        '    write_json(folder / "evaluation.json", evaluation)\n',
        '    (folder / "evaluation.json").write_text(json.dumps({**evaluation, "rows": float("nan")}))\n',
        "artifact: evaluation.json cannot be read: it has NaN, which is no JSON; write null",
    ),
    "pickled": (
        "    copy_code(folder)",
        "    import pickle\n    (folder / 'm.pkl').write_bytes(pickle.dumps([1]))\n    copy_code(folder)",
        "artifact: model.tar.gz has 'm.pkl', which is a pickle",
    ),
}


def uneven(seed: int, rows: int = 1200) -> bytes:
    """Return deliveries of which one in eight is late."""
    draw = random.Random(seed)
    lines = [f"o{seed}-{n},{draw.uniform(1, 30):.1f},{int(draw.random() < 0.125)}" for n in range(rows)]
    return "\n".join(["order_id,distance_km,late", *lines, ""]).encode()


def test_a_recipe_of_ones_own_is_pushed_trained_gated_and_served(
    stage: Stage, pipelines: Pipelines, tmp_path: Path
) -> None:
    recipe = constant_recipe(tmp_path / "recipe")
    (tmp_path / "pipeline.yaml").write_bytes((EXAMPLE / "pipeline.yaml").read_bytes())
    done = stage.headrace("apply", str(tmp_path / "pipeline.yaml"), "-o", "json")
    assert done.returncode == 0, done.stderr
    sha256 = json.loads(done.stdout)["definition"]["model"]["recipe"]
    assert json.loads(stage.headrace("recipes", "push", str(recipe), "-o", "json").stdout)["recipe"] == sha256

    stage.put_object("constant", "first.csv", uneven(1))
    pipelines.live("constant", "v1")
    stage.put_object("constant", "second.csv", uneven(2))
    pipelines.live("constant", "v2")
    evaluation = stage.get("/v1/models/constant/v2/evaluation")
    assert (evaluation["champion_version"], evaluation["champion_error"]) == ("v1", None)
    assert evaluation["differences"]["baseline"]["log_loss"]["high"] < -0.01

    lineage = stage.get("/v1/models/constant/v2/lineage")
    assert [check for check in lineage["checks"] if not check["holds"]] == []
    assert (lineage["code"]["recipe"], lineage["code"]["recipe_sha256"]) == ("own", sha256)
    status, _, answer = stage.request(
        "POST", "/v1/predictions/constant", {"records": [{"distance_km": 3.5}, {"distance_km": 25}]}
    )
    assert status == 200, answer
    assert answer["predictions"][0]["scores"] == answer["predictions"][1]["scores"]
    status, _, _ = stage.request("POST", "/v1/predictions/constant", {"records": [{"weight": 1}]})
    assert status == 422


@pytest.fixture
def image(stage: Stage) -> Iterator[str]:
    """Put an image of one's own where the local stage looks for it; return its address."""
    environment = own_image(stage.root / ".venv" / "runtimes")
    yield URI
    shutil.rmtree(environment)


def test_an_image_of_ones_own_trains_and_serves_a_recipe_that_no_other_could(
    stage: Stage, pipelines: Pipelines, tmp_path: Path, image: str
) -> None:
    recipe = changed(
        constant_recipe(tmp_path / "recipe"), "model.py", "import numpy", f"import {EXTRA}\nimport numpy"
    )
    pushed = stage.headrace("recipes", "push", str(recipe), "-o", "json")
    assert pushed.returncode == 0, pushed.stderr
    model = {"recipe": json.loads(pushed.stdout)["recipe"], "image": image}
    gate = ["log_loss < baseline - 0.01", "latency_p95_ms < 1000", "size_mb < 1"]
    pipelines.create("own-image", model=model, gate=gate)
    stage.put_object("own-image", "data.csv", uneven(4))
    pipelines.live("own-image", "v1")

    version = stage.get("/v1/models/own-image/v1")
    assert {verdict["outcome"] for verdict in version["verdicts"]} == {"passed"}, version["verdicts"]
    code = stage.get("/v1/models/own-image/v1/lineage")["code"]
    assert (code["image_uri"], code["pinned_by"]) == (image, "digest")
    status, _, answer = stage.request(
        "POST", "/v1/predictions/own-image", {"records": [{"distance_km": 3.5}]}
    )
    assert (status, answer["predictions"][0]["value"]) == (200, 0), answer


def test_a_recipe_that_breaks_says_how(stage: Stage, pipelines: Pipelines, tmp_path: Path) -> None:
    for name, (old, new, _) in BROKEN.items():
        recipe = changed(constant_recipe(tmp_path / name), "train.py", old, new)
        pushed = stage.headrace("recipes", "push", str(recipe), "-o", "json")
        assert pushed.returncode == 0, pushed.stderr
        pipelines.create(f"breaks-{name}", model={"recipe": json.loads(pushed.stdout)["recipe"]}, gate=[])
        stage.put_object(f"breaks-{name}", "data.csv", uneven(3, rows=300))
    pipelines.create("breaks-absent", model={"recipe": "ab" * 32}, gate=[])
    stage.put_object("breaks-absent", "data.csv", uneven(3, rows=300))

    reasons = {name: ended(stage, f"breaks-{name}") for name in (*BROKEN, "absent")}
    for name, (_, _, says) in BROKEN.items():
        assert says in reasons[name]["reason"], reasons[name]
    assert "no luck today" in " ".join([reasons["exits"]["reason"], *reasons["exits"]["log_tail"]])
    assert reasons["absent"]["reason"].startswith("recipe: no recipe abababababab… is stored in this stage")


def ended(stage: Stage, pipeline: str) -> dict[str, Any]:
    """Return the pipeline's only job once it is dead."""

    def probe() -> dict[str, Any] | None:
        jobs = stage.get(f"/v1/training-jobs?pipeline={pipeline}")["jobs"]
        return jobs[0] if jobs and jobs[0]["state"] == "DEAD" else None

    return eventually(probe, within_s=120) or {}
