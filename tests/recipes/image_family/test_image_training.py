"""What a job of the image family promises about its model and the mistakes it names."""

import json

import numpy as np
import pytest


def test_pictures_beat_the_shares_of_the_classes(seen_pictures):
    evaluation = seen_pictures.evaluation
    assert (evaluation["rows_train"], evaluation["rows"]) == (200, 220)
    assert evaluation["metrics"]["challenger"]["accuracy"] > 0.9
    assert evaluation["differences"]["baseline"]["log_loss"]["high"] < -0.3


def test_the_model_folder_has_the_contract_s_files_and_no_pickle(seen_pictures):
    files = {
        p.relative_to(seen_pictures.model).as_posix() for p in seen_pictures.model.rglob("*") if p.is_file()
    }
    wanted = {"model.skops", "signature.json", "versions.json", "evaluation.json", "golden.jsonl", "card.md"}
    wanted |= {"picture.json", "code/inference.py", "code/image/serving.py", "code/recipe/serving.py"}
    wanted |= {f"plots/{name}.vl.json" for name in ("roc", "calibration", "confusion")}
    assert wanted <= files
    (taken,) = seen_pictures.read("signature.json")["inputs"]
    assert (taken["name"], taken["type"], taken["required"]) == ("image", "binary", True)


def test_a_name_or_a_width_that_gives_the_class_away_is_not_looked_at(picture_job, pictures):
    """Files of a class often share a size or a name: a model must not learn that."""
    sides = [pictures(n, seed) for n, seed in ((120, 1), (60, 2), (80, 3))]
    for side in sides:
        side["image"] = side["image"].to_numpy()[np.random.default_rng(0).permutation(len(side))]
        side["width"] = np.where(side["label"] == "lying", 10, 99)
    job = picture_job(sides)
    assert job.run() == 0
    assert job.evaluation["metrics"]["challenger"]["roc_auc"] < 0.75


@pytest.mark.parametrize(
    "asked", [{"recipe": "boosting", "params": {"max_iter": 30}}, {"preset": "good"}, {"preset": "best"}]
)
def test_every_recipe_and_preset_trains(picture_job, asked):
    job = picture_job(None, **asked)
    assert job.run() == 0, job.failure
    assert job.evaluation["metrics"]["challenger"]["accuracy"] > 0.85


@pytest.mark.parametrize(("size", "channels"), [(8, 1), (24, 3), (100, 3)])
def test_every_size_and_both_numbers_of_channels_train(picture_job, pictures, size, channels):
    sides = [pictures(n, seed) for n, seed in ((120, 1), (0, 2), (60, 3))]
    job = picture_job(sides, task_options={"image": {"size": size, "channels": channels}})
    assert job.run() == 0
    assert job.evaluation["metrics"]["challenger"]["accuracy"] > 0.7


def test_the_champion_is_judged_on_the_same_pictures(picture_job, seen_pictures, tmp_path):
    champion = seen_pictures.pack(tmp_path / "model.tar.gz")
    job = picture_job(None, champion, champion={"version": "v1", "trained_through": None})
    assert job.run() == 0
    assert job.evaluation["champion_error"] is None
    assert job.evaluation["metrics"]["champion"] == job.evaluation["metrics"]["challenger"]


def test_a_champion_that_sees_otherwise_is_not_judged(picture_job, seen_pictures, tmp_path):
    import shutil

    other = tmp_path / "base"
    shutil.copytree(seen_pictures.base, other)
    (other / "model" / "picture.json").write_text(json.dumps({"size": 16, "channels": 1, "features": 0}))
    champion = type(seen_pictures)(base=other, recipe=seen_pictures.recipe).pack(tmp_path / "model.tar.gz")
    job = picture_job(None, champion, champion={"version": "v1", "trained_through": None})
    assert job.run() == 0
    assert "features 0" in job.evaluation["champion_error"]


def test_the_same_job_gives_the_same_model(picture_job, seen_pictures):
    again = picture_job()
    assert again.run() == 0
    for name in ("evaluation.json", "golden.jsonl", "signature.json", "card.md", "picture.json"):
        assert (again.model / name).read_bytes() == (seen_pictures.model / name).read_bytes(), name


JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 100
BAD = {
    "a JPEG": (
        JPEG,
        "The picture 5 is JPEG; this container has no Pillow and reads PNG only, in the training",
    ),
    "a text": (b"hello", "The picture 5 is not a picture, in the training rows"),
    "missing": (None, "The picture 5 is missing, in the training rows"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_picture_that_cannot_be_read_is_named(picture_job, pictures, name):
    content, sentence = BAD[name]
    sides = [pictures(n, seed) for n, seed in ((60, 1), (10, 2), (20, 3))]
    sides[0].at[5, "image"] = content
    job = picture_job(sides)
    assert job.run() == 1
    assert sentence in job.failure


def test_data_without_pictures_is_named(picture_job):
    fields = [{"name": "name", "type": "string"}, {"name": "label", "type": "string"}]
    job = picture_job(None, schema={"fields": fields})
    assert job.run() == 1
    assert "0 columns of pictures" in job.failure


def test_a_second_run_in_another_process_leaves_the_same_image_model(seen_pictures, tmp_path):
    assert seen_pictures.again(tmp_path / "again", "2").hashes() == seen_pictures.hashes()
