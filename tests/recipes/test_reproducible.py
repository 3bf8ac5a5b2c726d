"""The same inputs make the same model, byte for byte, in another process and at another time."""

import io
import json
import zipfile

import numpy as np
from recipe.artifact import load_pipeline, save_pipeline
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline


def test_a_second_run_in_another_process_leaves_the_same_files(trained, tmp_path):
    assert trained.again(tmp_path / "again", "1").hashes() == trained.hashes()


def test_every_tabular_model_is_written_as_before(make_job, rows, schema):
    sides = [rows(n, seed, labels=(1.0, 2.0)) for n, seed in ((150, 1), (50, 2), (60, 3))]
    for recipe, task, kind in (("linear", "classification", "number"), ("auto", "regression", "number")):
        written = []
        for _ in range(2):
            job = make_job({**schema, "y": kind}, sides, recipe=recipe, task=task)
            assert job.run() == 0, job.failure
            written.append(job.hashes())
        assert written[0] == written[1]


def test_a_model_is_read_back_as_it_was_and_holds_no_address_and_no_time(tmp_path):
    columns, target = np.arange(12.0).reshape(6, 2), np.arange(6.0)
    pipeline = Pipeline([("model", Ridge())]).fit(columns, target)
    save_pipeline(pipeline, tmp_path)
    content = (tmp_path / "model.skops").read_bytes()
    assert (load_pipeline(content).predict(columns) == pipeline.predict(columns)).all()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert sorted(archive.namelist()) == ["0.npy", "1.npy", "schema.json"]
        ids = [node["__id__"] for node in _nodes(json.loads(archive.read("schema.json")))]
    assert max(ids) < len(ids)


def _nodes(tree):
    if isinstance(tree, list):
        return [node for inner in tree for node in _nodes(inner)]
    if not isinstance(tree, dict):
        return []
    return [
        *([tree] if "__id__" in tree else []),
        *(node for inner in tree.values() for node in _nodes(inner)),
    ]
