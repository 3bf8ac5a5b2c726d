"""What the comparison with the live model promises: same rows, seen by neither, and no trust in its file."""

import io
import os
import tarfile

import numpy as np
import pytest


def _spoiled(champion, target, **changes):
    """Copy a model.tar.gz, with some members replaced (None removes one)."""
    with tarfile.open(champion) as source, tarfile.open(target, "w:gz") as out:
        for member in source.getmembers():
            name = member.name.removeprefix("./")
            if member.isfile() and changes.get(name.replace(".", "_"), b"") is not None:
                content = changes.get(name.replace(".", "_")) or source.extractfile(member).read()
                member.size = len(content)
                out.addfile(member, io.BytesIO(content))
    return target


@pytest.fixture(scope="module")
def champion(trained, tmp_path_factory):
    return trained.pack(tmp_path_factory.mktemp("champion") / "model.tar.gz")


def test_the_same_model_on_the_same_rows_differs_by_exactly_nothing(make_job, rows, schema, champion):
    job = make_job(
        schema,
        [rows(400, 1), rows(100, 2), rows(300, 3)],
        champion,
        champion={"version": "v3", "trained_through": None},
    )
    assert job.run() == 0
    evaluation = job.evaluation
    assert evaluation["champion_version"] == "v3"
    assert evaluation["champion_error"] is None
    assert evaluation["metrics"]["champion"] == evaluation["metrics"]["challenger"]
    assert evaluation["differences"]["champion"]["log_loss"] == {"estimate": 0.0, "low": 0.0, "high": 0.0}


def test_a_champion_that_learnt_from_less_is_beaten_with_confidence(make_job, rows, schema, tmp_path):
    small = make_job(
        schema, [rows(25, 9), rows(0, 2), rows(300, 3)], params={"max_iter": 5, "min_samples_leaf": 2}
    )
    assert small.run() == 0
    job = make_job(
        schema,
        [rows(600, 1), rows(100, 2), rows(400, 3)],
        small.pack(tmp_path / "m.tar.gz"),
        champion={"version": "v1"},
    )
    assert job.run() == 0
    assert job.evaluation["differences"]["champion"]["log_loss"]["high"] < 0


def test_rows_either_model_was_trained_on_do_not_judge(make_job, rows, schema, champion):
    import pandas as pd

    # Rows with neither time nor size are so poor that some are the same by chance, and rightly left out.
    fresh = rows(200, 3).dropna(subset="size")[:150]
    test = pd.concat([fresh, rows(400, 1)[:70], rows(100, 2)[:30]], ignore_index=True)
    job = make_job(schema, [rows(200, 8), rows(60, 7), test], champion, champion={"version": "v1"})
    assert job.run() == 0
    assert job.evaluation["rows"] == 150
    assert job.evaluation["rows_test_seen"] == 100
    own = make_job(
        schema, [rows(200, 8), rows(60, 7), pd.concat([fresh, rows(200, 8)[:20]], ignore_index=True)]
    )
    assert own.run() == 0
    assert own.evaluation["rows"] == 150


def test_by_key_a_seen_row_is_known_again_although_its_values_changed(make_job, rows, schema):
    train, test = rows(200, 1), rows(100, 3)
    # Beyond 2**53 neighbouring integers are the same float: as floats, every test row would look seen.
    train["id"], test["id"] = np.arange(200) * 2 + 2**60, np.arange(100) * 2 + 1 + 2**60
    test.loc[:9, "id"] = train["id"][:10].to_numpy()
    kinds = {"id": "integer", **schema}
    job = make_job(kinds, [train, train[:0], test], key="id")
    assert job.run() == 0
    assert job.evaluation["rows"] == 90
    assert "id" not in [i["name"] for i in job.read("signature.json")["inputs"]]


def test_no_row_judges_whose_group_either_model_was_taught(make_job, rows, schema, tmp_path):
    """Another seed or rule puts whole groups on other sides; by row and key they would pass for new."""
    schema = {"shop": "string", **schema}
    grouped = {"split": {"by": "group", "group": "shop"}}

    def shops(count, seed, names):
        return rows(count, seed).assign(shop=[names[k % len(names)] for k in range(count)])

    old = make_job(
        schema,
        [shops(200, 1, ["a", "b"]), shops(0, 2, ["a"]), shops(100, 3, ["c"])],
        recipe="linear",
        **grouped,
    )
    assert old.run() == 0
    job = make_job(
        schema,
        [shops(200, 4, ["c"]), shops(0, 2, ["c"]), shops(400, 5, ["a", "b", "c", "d"])],
        old.pack(tmp_path / "m.tar.gz"),
        champion={"version": "v1"},
        **grouped,
    )
    assert job.run() == 0
    assert job.evaluation["champion_error"] is None
    assert (job.evaluation["rows"], job.evaluation["rows_test_seen"]) == (100, 300)


def test_by_time_only_rows_newer_than_both_models_judge(make_job, rows, schema):
    # 300 hourly rows of which every 13th has no time, and so cannot be shown to be new.
    test = rows(300, 3, start="2024-03-01")
    changes = {"time": "at", "split": {"by": "time"}}
    job = make_job(schema, [rows(200, 1), rows(60, 2), test], **changes)
    assert job.run() == 0
    dated = test["at"].notna()
    assert job.evaluation["rows"] == dated.sum()
    assert job.evaluation["trained_through"] == "2024-01-09T07:00:00Z"
    through = "2024-03-05T00:00:00Z"
    later = make_job(
        schema,
        [rows(200, 1), rows(60, 2), test],
        job.pack(job.base / "m.tar.gz"),
        champion={"version": "v1", "trained_through": through},
        **changes,
    )
    assert later.run() == 0
    assert later.evaluation["rows"] == (test["at"] > through.removesuffix("Z")).sum()
    assert later.evaluation["judged"]["from"] == "2024-03-05T01:00:00Z"


def test_a_changed_schema_is_said_and_the_challenger_is_judged_alone(make_job, rows, schema, champion):
    kinds = {**{k: v for k, v in schema.items() if k != "size"}, "y": "string"}
    sides = [rows(n, seed).drop(columns="size") for n, seed in ((200, 1), (60, 2), (100, 3))]
    job = make_job(kinds, sides, champion, champion={"version": "v1"})
    assert job.run() == 0
    assert job.evaluation["champion_error"] == "The schema changed: 'size' was number, now it is gone."
    assert job.evaluation["metrics"]["champion"] is None
    assert job.evaluation["differences"]["champion"] is None
    assert job.evaluation["metrics"]["challenger"]["log_loss"] > 0


def test_a_champion_that_answers_another_question_is_said_and_not_judged(make_job, rows, schema, champion):
    sides = [rows(n, seed) for n, seed in ((200, 1), (60, 2), (100, 3))]
    job = make_job(schema, sides, champion, champion={"version": "v1"}, target="colour")
    assert job.run() == 0
    assert job.evaluation["champion_error"] == "The champion predicts 'y' (classification)."
    assert job.evaluation["metrics"]["champion"] is None


def _hostile_model():
    import skops.io as sio
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer

    return sio.dumps(Pipeline([("preprocessing", FunctionTransformer(os.path.join))]))


def test_a_model_file_with_a_type_off_the_list_is_refused_by_name():
    from recipe.artifact import load_pipeline
    from recipe.failure import ModelRefusedError

    with pytest.raises(ModelRefusedError, match=r"not trusted: posixpath\.join"):
        load_pipeline(_hostile_model())


def test_a_pickle_in_place_of_the_model_is_never_loaded(tmp_path):
    import pickle

    from recipe.artifact import load_pipeline
    from recipe.failure import ModelRefusedError

    witness = tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(witness),)

    with pytest.raises(ModelRefusedError, match="not a skops file"):
        load_pipeline(pickle.dumps(Evil()))
    assert not witness.exists()


def test_a_model_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(monkeypatch, trained):
    from recipe import artifact
    from recipe.failure import ModelRefusedError

    monkeypatch.setattr(artifact, "MAX_MODEL_BYTES", 1000)
    with pytest.raises(ModelRefusedError, match="too large"):
        artifact.load_pipeline((trained.model / "model.skops").read_bytes())
    archive = trained.pack(trained.base / "large.tar.gz")
    with pytest.raises(ModelRefusedError, match="too large"):
        artifact.read_members(archive, {"model.skops"})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model_skops": b"junk"}, "not a skops file"),
        ({"model_skops": None}, "has no model.skops"),
        ({"signature_json": b"[]"}, "signature.json cannot be read"),
        ({"seen_rows_npy": b"\x80\x04N."}, "seen_rows.npy cannot be read"),
    ],
)
def test_a_champion_that_cannot_be_loaded_is_said_and_stops_nothing(
    make_job, rows, schema, champion, tmp_path, changes, sentence
):
    spoiled = _spoiled(champion, tmp_path / "model.tar.gz", **changes)
    job = make_job(schema, [rows(200, 1), rows(60, 2), rows(100, 3)], spoiled, champion={"version": "v1"})
    assert job.run() == 0
    assert sentence in job.evaluation["champion_error"]


def test_a_hostile_champion_runs_nothing_and_escapes_nowhere(make_job, rows, schema, champion, tmp_path):
    spoiled = _spoiled(champion, tmp_path / "hostile.tar.gz", model_skops=_hostile_model())
    job = make_job(schema, [rows(200, 1), rows(60, 2), rows(100, 3)], spoiled, champion={"version": "v1"})
    assert job.run() == 0
    assert "posixpath.join" in job.evaluation["champion_error"]
    escaping = tmp_path / "escaping.tar.gz"
    with tarfile.open(escaping, "w:gz") as out:
        link = tarfile.TarInfo("model.skops")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        out.addfile(link)
        out.addfile(tarfile.TarInfo("../../signature.json"))
    job = make_job(schema, [rows(200, 1), rows(60, 2), rows(100, 3)], escaping, champion={"version": "v1"})
    assert job.run() == 0
    assert job.evaluation["champion_error"] == "The champion's archive has no signature.json."
