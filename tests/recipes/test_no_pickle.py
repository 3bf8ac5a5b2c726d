"""A model is made, loaded, judged and served without one call to pickle, and its files hold none."""

import _pickle
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

MARKS = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))


@pytest.fixture
def no_pickle(monkeypatch):
    """Let every way to unpickle fail, the C ones too."""

    def refuse(*_args, **_kwargs):
        raise AssertionError("something was unpickled")

    class Refused:
        def __init__(self, *_args, **_kwargs):
            refuse()

    for module in (pickle, _pickle):
        for name in ("load", "loads"):
            monkeypatch.setattr(module, name, refuse)
        monkeypatch.setattr(module, "Unpickler", Refused)


def test_an_endpoint_loads_and_answers_without_unpickling(trained, no_pickle):
    with pytest.raises(AssertionError):
        pickle.loads(b"x")
    endpoint = trained.recipe.endpoint
    model = endpoint.model_fn(str(trained.model))
    line = json.loads((trained.model / "golden.jsonl").read_text().splitlines()[0])
    answer = endpoint.transform_fn(
        model, json.dumps({"records": [line["record"]]}), "application/json", "application/json"
    )
    assert json.loads(answer.get_data())["predictions"] == [line["prediction"]]


def test_a_champion_is_loaded_and_judged_without_unpickling(
    trained, make_job, rows, schema, tmp_path, no_pickle
):
    packed = trained.pack(tmp_path / "model.tar.gz")
    sides = [rows(n, seed) for n, seed in ((100, 11), (40, 12), (60, 13))]
    champion = {"version": "v1", "trained_through": None}
    job = make_job(schema, sides, packed, champion=champion)
    assert job.run() == 0, job.failure
    assert job.evaluation["champion_error"] is None


def test_no_file_of_a_model_is_a_pickle_nor_holds_one(trained):
    files = [path for path in trained.model.rglob("*") if path.is_file()]
    assert not [path for path in files if path.suffix in {".pkl", ".pickle", ".joblib"}]
    for path in files:
        assert not path.read_bytes().startswith(MARKS), path
    with zipfile.ZipFile(trained.model / "model.skops") as archive:
        for name in archive.namelist():
            content = archive.read(name)
            assert not content.startswith(MARKS), name
            if Path(name).suffix == ".npy":
                # An array of objects is a pickle inside.
                assert b"'descr': '|O'" not in content[:128], name
    assert np.load(trained.model / "seen_rows.npy", allow_pickle=False).dtype == np.uint64
