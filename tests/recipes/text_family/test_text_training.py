"""What a job of the text family promises about its model and the mistakes it names."""

import json
import time

import numpy as np
import pytest


def test_texts_in_four_scripts_with_gaps_beat_the_shares_of_the_classes(read_texts):
    evaluation = read_texts.evaluation
    assert evaluation["rows_train"] == 400
    assert evaluation["rows"] + evaluation["rows_test_seen"] == 300
    assert evaluation["primary"] == "log_loss"
    assert evaluation["metrics"]["challenger"]["roc_auc"] > 0.9
    assert evaluation["differences"]["baseline"]["log_loss"]["high"] < -0.2
    assert evaluation["metrics"]["baseline"]["roc_auc"] == 0.5


@pytest.mark.parametrize("words", [["很好", "坏了"], ["хорошо", "плохо"], ["wunderbar", "kaputt"]])
def test_no_language_is_preferred(ask_texts, words):
    good, bad = ask_texts({"records": [{"body": word} for word in words]}).get_json()["predictions"]
    assert (good["value"], bad["value"]) == ("good", "bad")


def test_a_script_without_spaces_is_read_by_its_characters(ask_texts):
    sentence = {"body": "我买的衬衫很好我喜欢"}
    assert ask_texts({"records": [sentence]}).get_json()["predictions"][0]["value"] == "good"


def test_probabilities_are_as_often_right_as_they_say(read_texts):
    metrics = read_texts.evaluation["metrics"]["challenger"]
    assert metrics["calibration_error"] < 0.08


def test_a_rare_class_does_not_bend_the_probabilities(text_job, texts):
    """With balanced classes among the candidates, what comes out still knows how rare a class is."""

    def rare(rows, seed):
        frame = texts(rows, seed)
        return frame[(frame["y"] == "good") | (frame.index % 10 == 0)]

    job = text_job([rare(900, 1), rare(400, 2), rare(600, 3)], preset="good")
    assert job.run() == 0
    golden = job.evaluation["metrics"]
    assert golden["challenger"]["log_loss"] < 0.8 * golden["baseline"]["log_loss"]
    assert golden["challenger"]["calibration_error"] < 0.05


def test_the_model_folder_has_the_contract_s_files_and_no_pickle(read_texts):
    files = {p.relative_to(read_texts.model).as_posix() for p in read_texts.model.rglob("*") if p.is_file()}
    wanted = {"model.skops", "signature.json", "versions.json", "evaluation.json", "golden.jsonl", "card.md"}
    wanted |= {"code/inference.py", "code/text/serving.py", "code/recipe/serving.py", "seen_rows.npy"}
    wanted |= {f"plots/{name}.vl.json" for name in ("roc", "calibration", "importance", "confusion", "words")}
    assert wanted <= files
    assert read_texts.read("versions.json")["family"] == "text"
    for plot in (read_texts.model / "plots").iterdir():
        assert 2 <= len(json.loads(plot.read_text())["data"]["values"]) <= 200


def test_nothing_beyond_plain_types_has_to_be_trusted(read_texts):
    import skops.io as sio

    content = (read_texts.model / "model.skops").read_bytes()
    assert sio.get_untrusted_types(data=content) == ["numpy.dtype"]


def test_a_model_of_many_terms_is_small_and_loads_at_once(text_job, texts):
    """skops keeps a vectorizer's dict term by term; ours are arrays."""
    random = np.random.default_rng(0)
    many = texts(500, 1)
    many["body"] = [" ".join(f"word{n}" for n in random.integers(0, 20_000, 40)) for _ in range(len(many))]
    job = text_job([many, texts(0, 2), texts(100, 3)])
    assert job.run() == 0
    began = time.process_time()
    job.recipe.endpoint.model_fn(str(job.model))
    assert time.process_time() - began < 1.0
    assert (job.model / "model.skops").stat().st_size < 3_000_000


def test_the_telling_words_tell_their_class(read_texts):
    shown = read_texts.read("plots/words.vl.json")["data"]["values"]
    strongest = {name: [v["words"] for v in shown if v["class"] == name][:5] for name in ("good", "bad")}
    assert "lovely" in strongest["good"] or "perfect" in strongest["good"] or "很好" in strongest["good"]
    assert not set(strongest["good"]) & set(strongest["bad"])


def test_confusion_counts_every_judged_row_once(read_texts):
    shown = read_texts.read("plots/confusion.vl.json")["data"]["values"]
    rows = read_texts.evaluation["rows"]
    assert sum(cell["rows"] for cell in shown) == rows
    right = sum(cell["rows"] for cell in shown if cell["truth"] == cell["answer"])
    assert right / rows == pytest.approx(read_texts.evaluation["metrics"]["challenger"]["accuracy"])


@pytest.mark.parametrize("preset", ["good", "best"])
def test_a_larger_budget_gives_a_model_that_is_not_much_worse(text_job, texts, read_texts, preset):
    job = text_job([texts(400, 1), texts(120, 2), texts(300, 3)], preset=preset)
    assert job.run() == 0
    quick = read_texts.evaluation["metrics"]["challenger"]["log_loss"]
    assert job.evaluation["metrics"]["challenger"]["log_loss"] < quick + 0.05


def test_many_classes_are_scored_and_new_ones_count_as_wrong(text_job, texts):
    names = tuple(f"topic{n}" for n in range(20))
    test = texts(300, 3, names)
    test.loc[:9, "y"] = "never taught"
    job = text_job([texts(600, 1, names), texts(200, 2, names), test])
    assert job.run() == 0
    assert job.read("signature.json")["classes"] == sorted(names)
    assert 0.7 < job.evaluation["metrics"]["challenger"]["accuracy"] <= 290 / 300


def test_without_other_columns_and_without_validation_it_trains(text_job, texts):
    frames = [texts(n, seed)[["body", "y"]] for n, seed in ((300, 1), (0, 2), (200, 3))]
    job = text_job(frames, kinds={"body": "string", "y": "string"}, task_options={"text": ["body"]})
    assert job.run() == 0
    assert [i["name"] for i in job.read("signature.json")["inputs"]] == ["body"]
    assert job.evaluation["metrics"]["challenger"]["roc_auc"] > 0.8


def test_the_champion_is_judged_on_the_same_rows(text_job, read_texts, tmp_path):
    job = text_job(
        None, read_texts.pack(tmp_path / "model.tar.gz"), champion={"version": "v1", "trained_through": None}
    )
    assert job.run() == 0
    assert job.evaluation["champion_error"] is None
    assert job.evaluation["metrics"]["champion"] == job.evaluation["metrics"]["challenger"]
    assert job.evaluation["differences"]["champion"]["log_loss"]["low"] == 0


def test_the_same_job_gives_the_same_model(text_job, read_texts):
    again = text_job()
    assert again.run() == 0
    for name in ("evaluation.json", "golden.jsonl", "signature.json", "card.md", "seen_rows.npy"):
        assert (again.model / name).read_bytes() == (read_texts.model / name).read_bytes(), name


MISTAKES = {
    "no text named": ({"task_options": {}}, "names no text column"),
    "not a column": ({"task_options": {"text": ["boddy"]}}, "'boddy' is no column"),
    "not a text": ({"task_options": {"text": ["stars"]}}, "'stars' is integer, not a string"),
    "unknown parameter": ({"params": {"ngrams": 3}}, "allowed are max_terms, regularization"),
    "unknown recipe": ({"recipe": "boosting"}, "allowed are auto, linear"),
    "unknown metric": ({"metrics": ["rmse"]}, "'rmse' is not one of text"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_sentence_in_the_failure_file(text_job, name):
    changes, sentence = MISTAKES[name]
    job = text_job(None, **changes)
    assert job.run() == 1
    assert sentence in job.failure
    assert "\n" not in job.failure


def test_texts_that_are_all_empty_are_named(text_job, texts):
    sides = [texts(n, seed).assign(title=None, body=" ") for n, seed in ((200, 1), (60, 2), (100, 3))]
    job = text_job(sides)
    assert job.run() == 1
    assert "empty in all training rows" in job.failure


def test_a_second_run_in_another_process_leaves_the_same_text_model(read_texts, tmp_path):
    assert read_texts.again(tmp_path / "again", "2").hashes() == read_texts.hashes()
