"""`model.onnx` is written only where it answers as the model does; without the libraries a sentence says so.

Most of it needs them: `make onnx` runs this file in an image that has both.
"""

import importlib.util
import json
from dataclasses import replace

import numpy as np
import pytest

HAS_LIBRARIES = all(importlib.util.find_spec(name) for name in ("skl2onnx", "onnxruntime"))
needs_libraries = pytest.mark.skipif(not HAS_LIBRARIES, reason="needs skl2onnx and onnxruntime: make onnx")
# What converters warn of is not ours to mend, and here every warning is an error.
pytestmark = pytest.mark.filterwarnings("ignore")
WITH_ONNX = {"export": ["onnx"]}


@pytest.fixture(scope="module")
def exported(make_job, schema, rows):
    job = make_job(schema, [rows(400, 1), rows(100, 2), rows(300, 3)], **WITH_ONNX)
    assert job.run() == 0
    return job


@pytest.mark.skipif(HAS_LIBRARIES, reason="this image has them")
def test_without_the_libraries_the_job_is_whole_and_says_why_there_is_no_onnx(exported):
    told = exported.evaluation["exports"]["onnx"]
    assert told["written"] is False
    assert "the image has no skl2onnx and onnxruntime" in told["reason"]
    assert told["reason"] in (exported.model / "card.md").read_text()
    assert not (exported.model / "model.onnx").exists()
    assert (exported.model / "model.skops").is_file()


def test_nobody_who_did_not_ask_hears_of_it(trained):
    assert "exports" not in trained.evaluation
    assert "Exports" not in (trained.model / "card.md").read_text()


def test_a_form_that_is_none_of_ours_is_refused(make_job, schema, rows):
    job = make_job(schema, [rows(40, 1), rows(20, 2), rows(40, 3)], export=["pmml"])
    assert job.run() == 1
    assert "The export is 'pmml'; allowed are onnx." in job.failure


def ask(job, model, columns):
    import onnxruntime
    from tabular.onnx_form import feed

    session = onnxruntime.InferenceSession((job.model / "model.onnx").read_bytes())
    return np.asarray(session.run(None, feed(model, columns))[-1])


@needs_libraries
@pytest.mark.parametrize(("task", "target"), [("classification", "y"), ("regression", "size")])
def test_the_export_answers_rows_it_was_not_compared_on_as_the_model_does(
    make_job, schema, rows, task, target
):
    from recipe.data import read_channel

    sides = [
        side.dropna(subset=["size"]) for side in (rows(400, 1), rows(200, 2), rows(300, 3), rows(500, 4))
    ]
    job = make_job(schema, sides[:3], task=task, target=target, **WITH_ONNX)
    assert job.run() == 0
    told = job.evaluation["exports"]["onnx"]
    assert (told["written"], told["reason"], told["flips"]) == (True, None, 0), told
    assert told["largest_difference"] <= told["tolerance"] == 1e-6
    unseen = make_job(schema, [sides[3]] * 3).base / "input" / "data" / "test"
    model = job.recipe.endpoint.model_fn(str(job.model))
    columns = read_channel(unseen, model.signature.fields)
    expected = model.predict(columns)
    assert np.allclose(ask(job, model, columns).reshape(expected.shape), expected, atol=1e-5)


@needs_libraries
def test_what_cannot_be_converted_is_told_and_costs_nothing_else(make_job, schema, rows):
    """skl2onnx knows no indicators of missing values, which linear models have here."""
    job = make_job(schema, [rows(400, 1), rows(100, 2), rows(300, 3)], recipe="linear", **WITH_ONNX)
    assert job.run() == 0
    told = job.evaluation["exports"]["onnx"]
    assert told["written"] is False
    assert told["reason"].startswith("it could not be converted: RuntimeError")
    assert not (job.model / "model.onnx").exists()


@needs_libraries
def test_its_metadata_names_columns_and_classes_and_equal_jobs_write_equal_bytes(exported, tmp_path):
    import onnx

    found = onnx.load(exported.model / "model.onnx")
    told = {entry.key: json.loads(entry.value) for entry in found.metadata_props}
    assert told["texts"] == ["colour"]
    assert told["numbers"] == ["at", "at", "at", "size", "count", "new"]
    assert told["classes"] == ["no", "yes"]
    # Two seeds of texts' hashes by which the converter's own order differs.
    again = {exported.again(tmp_path / seed, seed).hashes()["model.onnx"] for seed in ("0", "1")}
    assert again == {exported.hashes()["model.onnx"]}


@needs_libraries
def test_a_file_that_answers_otherwise_is_refused_with_its_figures(exported, tmp_path):
    from recipe.data import read_channel
    from recipe.onnx_export import export_onnx
    from tabular.onnx_form import ONNX

    model = exported.recipe.endpoint.model_fn(str(exported.model))
    columns = read_channel(exported.base / "input" / "data" / "test", model.signature.fields)
    turned = replace(ONNX, feed=lambda m, c: {**ONNX.feed(m, c), "texts": np.full((300, 1), "red", object)})
    told = export_onnx(tmp_path, turned, model, [columns])
    assert told["written"] is False
    assert told["flips"] > 0
    assert f"{told['flips']} of 300 rows get another class" in told["reason"]
    assert not list(tmp_path.iterdir())


@needs_libraries
def test_one_row_of_another_class_is_refused_however_near_its_scores(tmp_path):
    from onnx import TensorProto, helper
    from recipe.onnx_export import OnnxForm, export_onnx

    taken, given = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 2]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "same", [taken], [given])
    file = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    scores = np.array([[0.5, np.nextafter(np.float32(0.5), np.float32(1))]], dtype=np.float32)
    form = OnnxForm(
        convert=lambda _: file.SerializeToString(),
        feed=lambda _, columns: {"x": columns["scores"]},
        answer=lambda _, columns: columns["scores"][:, ::-1].astype(np.float64),
    )
    told = export_onnx(tmp_path, form, None, [{"scores": scores}])
    assert (told["written"], told["flips"], told["rows"]) == (False, 1, 1)
    assert told["largest_difference"] < told["tolerance"]
    assert not list(tmp_path.iterdir())


@needs_libraries
def test_a_file_that_no_row_could_be_asked_of_is_not_written(exported, tmp_path):
    from recipe.onnx_export import export_onnx
    from tabular.onnx_form import ONNX

    model = exported.recipe.endpoint.model_fn(str(exported.model))
    told = export_onnx(tmp_path, ONNX, model, [])
    assert (told["written"], told["reason"].partition(",")[0]) == (False, "no row could be asked")
    assert not list(tmp_path.iterdir())


@needs_libraries
def test_a_converter_that_fails_costs_nothing_but_the_file(tmp_path):
    from recipe.onnx_export import export_onnx
    from tabular.onnx_form import ONNX

    def fail(_model):
        raise RuntimeError("no such operator")

    told = export_onnx(tmp_path, replace(ONNX, convert=fail), None, [])
    assert told == {"written": False, "reason": "it could not be converted: RuntimeError: no such operator"}


@needs_libraries
def test_a_family_without_an_onnx_form_says_so(tmp_path):
    from recipe.onnx_export import export_onnx

    assert "no ONNX form" in export_onnx(tmp_path, None, None, [])["reason"]
