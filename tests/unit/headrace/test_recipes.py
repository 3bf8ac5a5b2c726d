"""Recipes of one's own on the command line: written, packed, pushed, named by a pipeline."""

import io
import json
import os
import tarfile
from pathlib import Path

import pytest
import yaml

from headrace.client import recipes
from headrace.client.recipes import pack_recipe
from headrace.failures import BadData
from tests.unit.headrace.conftest import Run
from tests.unit.headrace.fake_stage import URL, FakeStage, Nobody

FORM = {"upload": {"url": f"{URL}/models", "fields": {"key": "k"}}, "max_bytes": 1}


def recipe_in(folder: Path, **files: str) -> Path:
    folder.mkdir()
    for name, text in {"train.py": "print()\n", "inference.py": "", **files}.items():
        (folder / name).write_text(text)
    return folder


def names_in(content: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return tar.getnames()


def test_the_template_is_written_whole_and_is_a_recipe(run: Run, tmp_path: Path) -> None:
    done = run(Nobody(), "init", "--recipe", "mine", "-o", "json")
    assert done.exit_code == 0, done.stderr
    written = {row["file"] for row in json.loads(done.stdout)}
    assert {"train.py", "inference.py", "model.py", "README.md", "tests/test_recipe.py"} <= written
    packed = pack_recipe(tmp_path / "mine")
    assert set(packed.files) == {name for name in written if name != "README.md" and "/" not in name}


def test_a_folder_with_something_in_it_is_not_written_over(run: Run, tmp_path: Path) -> None:
    recipe_in(tmp_path / "mine")
    done = run(Nobody(), "init", "--recipe", "mine")
    assert (done.exit_code, "exists already" in done.stderr) == (1, True)
    assert run(Nobody(), "init").exit_code == 2
    assert run(Nobody(), "init", "--recipe", "other", "--target", "late").exit_code == 2


def test_equal_folders_are_equal_bytes_wherever_and_whenever_they_lie(tmp_path: Path) -> None:
    first = recipe_in(tmp_path / "a", **{"b.py": "1", "README.md": "old", ".env": "secret"})
    second = recipe_in(tmp_path / "b", **{"README.md": "new"})
    (second / "b.py").write_text("1")
    os.utime(second / "train.py", (0, 0))
    (second / "train.py").chmod(0o755)
    (second / "__pycache__").mkdir()
    (second / "__pycache__" / "train.cpython-312.pyc").write_bytes(b"x")
    packed = pack_recipe(first)
    assert packed == pack_recipe(second)
    assert names_in(packed.content) == ["b.py", "inference.py", "train.py"]
    (second / "b.py").write_text("2")
    assert pack_recipe(second).sha256 != packed.sha256


def test_what_no_job_could_run_is_not_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(folder: Path) -> str:
        with pytest.raises(BadData) as raised:
            pack_recipe(folder)
        return raised.value.message

    lacking = recipe_in(tmp_path / "lacking")
    (lacking / "train.py").unlink()
    assert "has no train.py; `headrace init --recipe` writes a template" in refused(lacking)
    assert "jobs run without network" in refused(recipe_in(tmp_path / "r", **{"requirements.txt": "skops"}))
    linked = recipe_in(tmp_path / "linked")
    (linked / "data.csv").symlink_to("/etc/passwd")
    assert refused(linked) == "data.csv is a link; put the file itself into the recipe"
    assert "its path is too long" in refused(recipe_in(tmp_path / "odd", **{"a\nb.py": ""}))
    monkeypatch.setattr(recipes, "MAX_FILES", 1)
    assert "has 2 files; a recipe has at most 1" in refused(recipe_in(tmp_path / "many"))
    monkeypatch.setattr(recipes, "MAX_FILES", 10)
    monkeypatch.setattr(recipes, "MAX_BYTES", 3)
    assert "MiB; a recipe has at most" in refused(recipe_in(tmp_path / "large"))
    monkeypatch.setattr(recipes, "MAX_BYTES", 10**6)
    monkeypatch.setattr(recipes, "MAX_PACKED_BYTES", 3)
    assert "MiB packed" in refused(recipe_in(tmp_path / "packed"))


def test_a_recipe_is_pushed_under_the_hash_of_its_bytes_and_only_once(run: Run, tmp_path: Path) -> None:
    folder = recipe_in(tmp_path / "mine")
    packed = pack_recipe(folder)
    fake = FakeStage({"POST /recipes": FORM, "POST /models": {}})
    done = run(fake, "recipes", "push", str(folder), "-o", "json")
    assert (done.exit_code, json.loads(done.stdout)["recipe"]) == (0, packed.sha256), done.stderr
    assert json.loads(fake.asked("POST /recipes")[0]) == {"sha256": packed.sha256}
    assert packed.content in fake.bodies[-1]
    known = FakeStage({"POST /recipes": {"upload": None, "max_bytes": 1}})
    assert "stored already" in run(known, "recipes", "push", str(folder)).stderr


def test_a_pipeline_that_names_a_folder_is_stored_with_the_hash_of_what_was_pushed(
    run: Run, tmp_path: Path
) -> None:
    packed = pack_recipe(recipe_in(tmp_path / "mine"))
    definition = {"name": "flights", "task": "classification", "target": "late"}
    (tmp_path / "pipeline.yaml").write_text(yaml.safe_dump(definition | {"model": {"recipe": "./mine"}}))
    fake = FakeStage({"POST /recipes": FORM, "POST /models": {}, "PUT /pipelines/flights": {}})
    done = run(fake, "apply", str(tmp_path / "pipeline.yaml"))
    assert done.exit_code == 0, done.stderr
    assert json.loads(fake.asked("PUT /pipelines/flights")[0])["model"] == {"recipe": packed.sha256}
    (tmp_path / "pipeline.yaml").write_text(yaml.safe_dump(definition | {"model": {"recipe": "./none"}}))
    assert run(fake, "apply", str(tmp_path / "pipeline.yaml")).exit_code == 6
