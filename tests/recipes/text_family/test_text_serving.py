"""What the endpoint of a text model promises."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

GOLDEN = Path(__file__).with_name("golden.json")


def test_golden_rows_come_out_the_same_through_every_format(read_texts, ask_texts):
    golden = [json.loads(line) for line in (read_texts.model / "golden.jsonl").read_text().splitlines()]
    assert len(golden) == 20
    records, expected = [g["record"] for g in golden], [g["prediction"] for g in golden]
    assert ask_texts({"records": records}).get_json()["predictions"] == expected
    assert ask_texts({"records": records[3:4]}).get_json()["predictions"] == expected[3:4]
    names = list(records[0])
    lines = [",".join("" if r[n] is None else str(r[n]) for n in names) for r in records]
    body = "\n".join([",".join(names), *lines]) + "\n"
    assert ask_texts(body, "text/csv").get_json()["predictions"] == expected


def test_the_committed_golden_requests_are_answered_as_ever(ask_texts):
    """The model that this data has always made: other answers here are other answers for every user."""
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    answered = ask_texts({"records": golden["records"]}).get_json()["predictions"]
    for given, expected in zip(answered, golden["predictions"], strict=True):
        assert given["value"] == expected["value"]
        assert given["scores"] == pytest.approx(expected["scores"], abs=1e-4)


def test_the_packed_code_answers_in_a_process_of_its_own(read_texts):
    line = (read_texts.model / "golden.jsonl").read_text().splitlines()[0]
    code = (
        "import json, sys; import inference; golden = json.loads(sys.stdin.read());"
        "model = inference.model_fn(sys.argv[1]);"
        "body = json.dumps({'records': [golden['record']]});"
        "answer = inference.transform_fn(model, body, 'application/json', '*/*');"
        "assert answer.get_json()['predictions'] == [golden['prediction']], answer.get_data();"
        "print(sorted({'recipe.data', 'recipe.training', 'text.models'} & set(sys.modules)))"
    )
    command = [sys.executable, "-B", "-c", code, str(read_texts.model)]
    done = subprocess.run(
        command, input=line, cwd=read_texts.model / "code", capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


@pytest.mark.parametrize(
    "record",
    [
        {"body": None, "title": None, "stars": 3},
        {"body": ""},
        {"body": "never seen such terms", "shop": "west"},
        {"body": "\u0000\ufeff🙂 \u202e"},
        {"body": "x" * 200_000},
        {"body": "lovely " * 50_000},
    ],
)
def test_a_text_that_is_missing_strange_or_long_is_answered(ask_texts, record):
    answer = ask_texts({"records": [record]})
    assert answer.status_code == 200
    (prediction,) = answer.get_json()["predictions"]
    assert sum(prediction["scores"].values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"records": [{"body": 3}]}, "Record 0, field 'body': 3 is not a string."),
        ({"records": [{"text": "lovely"}]}, "Record 0 has none of the model's fields"),
        ({"records": []}, "The request has no records."),
    ],
)
def test_a_wrong_request_is_a_400_with_a_sentence(ask_texts, body, sentence):
    answer = ask_texts(body)
    assert answer.status_code == 400
    assert answer.get_json()["error"].startswith(sentence)


def test_scores_come_as_csv_to_who_accepts_csv(ask_texts):
    answer = ask_texts({"records": [{"body": "lovely"}]}, accept="text/csv")
    header, row = answer.get_data(as_text=True).splitlines()
    assert header == "value,score_bad,score_good"
    assert row.startswith("good,")
