"""What an endpoint promises: training's answers again, and a sentence for whoever asks wrongly."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest

GOOD = {"at": "2024-05-01T10:00:00Z", "size": 0.5, "count": 3, "colour": "red", "new": True}


def test_golden_rows_come_out_the_same_through_every_format(trained, ask):
    golden = [json.loads(line) for line in (trained.model / "golden.jsonl").read_text().splitlines()]
    assert len(golden) == 20
    records, expected = [g["record"] for g in golden], [g["prediction"] for g in golden]
    names = list(records[0])
    split = {"columns": names, "data": [[r[n] for n in names] for r in records]}
    for body in ({"records": records}, {"instances": records}, {"dataframe_split": split}):
        assert ask(body).get_json()["predictions"] == expected
    texts = [",".join("" if r[n] is None else str(r[n]) for n in names) for r in records]
    body = "\n".join([",".join(names), *texts]) + "\n"
    assert ask(body, "text/csv; charset=utf-8").get_json()["predictions"] == expected
    # One row at a time, as most clients ask.
    assert ask({"records": records[:1]}).get_json()["predictions"] == expected[:1]


def test_the_packed_code_serves_the_model_in_a_process_of_its_own(trained):
    line = (trained.model / "golden.jsonl").read_text().splitlines()[0]
    code = (
        "import json, sys; import inference; golden = json.loads(sys.stdin.read());"
        "model = inference.model_fn(sys.argv[1]);"
        "body = json.dumps({'records': [golden['record']]});"
        "answer = inference.transform_fn(model, body, 'application/json', '*/*');"
        "assert answer.get_json()['predictions'] == [golden['prediction']], answer.get_data();"
        "print(inference.__file__, sorted({'tabular.data', 'tabular.training'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", code, str(trained.model)],
        input=line,
        cwd=trained.model / "code",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # Nothing that only training needs is loaded: an endpoint should start fast.
    assert done.stdout.strip() == f"{trained.model / 'code' / 'inference.py'} []"


def test_unseen_categories_and_missing_values_are_answered(ask):
    for change in ({"colour": "never seen"}, {"colour": None}, {"size": None, "at": None, "new": None}):
        answer = ask({"records": [{**GOOD, **change}]})
        assert answer.status_code == 200
        (prediction,) = answer.get_json()["predictions"]
        assert sum(prediction["scores"].values()) == pytest.approx(1.0)
    assert ask({"records": [{"colour": "red"}]}).status_code == 200


def test_five_hundred_rows_answer_as_one_by_one(ask):
    records = [{**GOOD, "size": i / 100, "count": i % 9} for i in range(500)]
    together = ask({"records": records}).get_json()["predictions"]
    assert len(together) == 500
    assert ask({"records": records[123:124]}).get_json()["predictions"] == together[123:124]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"size": "big"}, "Record 1, field 'size': \"big\" is not a finite number."),
        ({"size": True}, "Record 1, field 'size': true is not a finite number."),
        ({"count": 1.5}, "Record 1, field 'count': 1.5 is not a whole number."),
        ({"colour": 3}, "Record 1, field 'colour': 3 is not a string."),
        ({"new": "yes"}, "Record 1, field 'new': \"yes\" is not true or false."),
        ({"at": "yesterday"}, "Record 1, field 'at': \"yesterday\" is not an RFC 3339 time"),
        ({"at": 5}, "Record 1, field 'at': 5 is not an RFC 3339 time"),
        ({"size": 10**400}, "Record 1, field 'size'"),
    ],
)
def test_a_wrong_value_is_a_400_naming_record_and_field(ask, change, sentence):
    answer = ask({"records": [GOOD, {**GOOD, **change}]})
    assert answer.status_code == 400
    assert answer.get_json()["error"].startswith(sentence)


@pytest.mark.parametrize(
    "body",
    [
        '{"records": [{"size": NaN}]}',
        '{"records": [{"size": Infinity}]}',
        '{"records": [{"size": 1e999}]}',
        '{"records": []}',
        '{"records": [[1, 2]]}',
        '{"records": [{"colr": "red"}]}',
        '{"dataframe_split": {"columns": ["size"], "data": [[1, 2]]}}',
        '{"dataframe_split": {"columns": [["size"]], "data": [[1]]}}',
        '{"dataframe_split": 3}',
        "[" * 100_000,
        "[1]",
        "{",
        "",
        b"\xff\xfe",
    ],
)
def test_a_body_that_is_no_request_is_a_400_with_a_sentence(ask, body):
    answer = ask(body)
    assert answer.status_code == 400
    assert answer.get_json()["error"].endswith((".", "…"))


@pytest.mark.parametrize(
    "body",
    [
        "size,size\n1,2\n",
        "size,colour\n1\n",
        "size\nnan\n",
        "size\n1_0\n",
        "size\n\uff11\n",
        "size\n",
        'size\n"1',
        "",
    ],
)
def test_a_csv_that_is_ambiguous_is_refused(ask, body):
    assert ask(body, "text/csv").status_code == 400


def test_a_csv_with_a_byte_order_mark_and_windows_line_ends_is_read(ask):
    plain = ask("size,colour\n0.5,red\n", "text/csv").get_json()
    assert ask("\ufeffsize,colour\r\n0.5,red\r\n".encode(), "text/csv").get_json() == plain


def test_csv_is_answered_when_asked_for(ask):
    answer = ask({"records": [GOOD]}, accept="text/csv")
    assert answer.mimetype == "text/csv"
    header, row = answer.get_data(as_text=True).splitlines()
    assert header == "value,score_no,score_yes"
    assert row.split(",")[0] in ("no", "yes")


@pytest.mark.parametrize(
    "kind", ["application/x-npy", "application/python-pickle", "application/octet-stream"]
)
def test_numpy_and_pickle_are_never_read(ask, kind):
    answer = ask(b"\x93NUMPY", kind)
    assert answer.status_code == 415
    assert "application/json or text/csv" in answer.get_json()["error"]


def test_an_answer_nobody_can_give_is_a_406(ask):
    assert ask({"records": [GOOD]}, accept="application/x-npy").status_code == 406


def test_a_regression_answers_plain_numbers_without_scores(make_job, rows, schema):
    from inference import model_fn, transform_fn

    sides = [rows(n, seed).assign(y=np.arange(n) / 7) for n, seed in ((100, 1), (0, 2), (50, 3))]
    job = make_job({**schema, "y": "number"}, sides, task="regression")
    assert job.run() == 0
    answer = transform_fn(model_fn(job.model), json.dumps({"records": [GOOD]}), "application/json", "*/*")
    (prediction,) = answer.get_json()["predictions"]
    assert list(prediction) == ["value"]
    assert isinstance(prediction["value"], float)


def test_a_time_means_the_same_moment_in_every_zone(ask):
    answers = [
        ask({"records": [{**GOOD, "at": at}]}).get_json()
        for at in ("2024-05-01T23:30:00Z", "2024-05-02T01:30:00+02:00", "2024-05-01T23:30:00")
    ]
    assert answers[0] == answers[1] == answers[2]


def test_times_are_kept_in_utc():
    from tabular.times import format_time, parse_time

    assert format_time(parse_time("2024-05-02T01:30:00+02:00")) == "2024-05-01T23:30:00Z"


def test_a_text_that_was_no_value_in_training_is_none_in_a_request(make_job, rows, schema):
    from tabular.requests import parse_request
    from tabular.signature import parse_signature

    fields = [{"name": name, "type": kind} for name, kind in schema.items()]
    fields[1] |= {"missingValues": ["n/a"], "decimalChar": ","}
    job = make_job(
        schema,
        [rows(200, 1), rows(50, 2), rows(100, 3)],
        schema={"fields": fields, "missingValues": ["", "?"]},
    )
    assert job.run() == 0
    inputs = parse_signature((job.model / "signature.json").read_bytes()).inputs
    spelling = {i.name: i.spelling for i in inputs}
    assert spelling["colour"] == {"missingValues": ["?"]}
    assert spelling["size"] == {"missingValues": ["?", "n/a"], "decimalChar": ","}
    columns = parse_request('{"records": [{"colour": "?", "size": "n/a"}]}', "application/json", inputs)
    assert columns["colour"][0] is None
    assert math.isnan(columns["size"][0])
