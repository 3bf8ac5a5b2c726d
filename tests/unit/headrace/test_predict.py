import json
from typing import Any

import pytest

from headrace.client.records import MAX_BODY_BYTES, batches, read_records, sniff
from headrace.failures import BadData
from tests.unit.headrace.conftest import Run
from tests.unit.headrace.fake_stage import FakeStage

INPUTS = [
    {"name": "n", "type": "integer"},
    {"name": "x", "type": "number"},
    {"name": "ok", "type": "boolean"},
    {"name": "zip", "type": "string"},
]
RECORD = {"n": 1, "x": 2.5, "ok": True, "zip": "01234"}


def answering(stage: FakeStage) -> dict[str, Any]:
    rows = len(json.loads(stage.bodies[-1])["records"])
    told = [{"id": f"r-{i}", "value": True, "scores": {"false": 0.25, "true": 0.75}} for i in range(rows)]
    return {"model_version": "v3", "predictions": told}


def stage() -> FakeStage:
    return FakeStage(
        {
            "GET /endpoints/flights": {"live": "v3"},
            "GET /models/flights/v3": {"inputs": {"inputs": INPUTS}},
            "POST /predictions/flights": answering,
        }
    )


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".json", '{"n": 1, "x": 2.5, "ok": true, "zip": "01234"}'),
        (".json", '[{"n": 1, "x": 2.5, "ok": true, "zip": "01234"}]'),
        (".json", '{"records": [{"n": 1, "x": 2.5, "ok": true, "zip": "01234"}]}'),
        (".ndjson", '{"n": 1, "x": 2.5, "ok": true, "zip": "01234"}\n\n'),
        (".csv", "n,x,ok,zip,target\n1,2.5,true,01234,yes\n"),
        (".csv", '\ufeffzip,n,x,ok\r\n"01234",1,2.5,1\r\n'),
        (".tsv", "n\tx\tok\tzip\n1\t2.5\tTRUE\t01234\n"),
        ("", "n,x,ok,zip\n1,2.5,true,01234\n"),
        ("", '  {"n": 1, "x": 2.5, "ok": true, "zip": "01234"}\n'),
    ],
)
def test_every_form_of_input_gives_the_same_records(suffix: str, text: str) -> None:
    assert read_records(text.encode(), suffix, INPUTS) == [RECORD]


def test_a_missing_cell_is_null_and_one_that_does_not_fit_is_left_to_the_service() -> None:
    assert read_records(b"n,x,ok,zip\n,abc,maybe,\n", ".csv", INPUTS) == [
        {"n": None, "x": "abc", "ok": "maybe", "zip": None}
    ]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ('{"a":1}\n{"a":2}\n', "ndjson"),
        ('{\n "a": 1\n}', "json"),
        ("[1]", "json"),
        ("a\tb\n", "tsv"),
        ("a\n", "csv"),
    ],
)
def test_standard_input_is_told_apart_by_how_it_looks(text: str, form: str) -> None:
    assert sniff(text) == form


@pytest.mark.parametrize(
    ("suffix", "text", "told"),
    [
        (".json", "{", "the text is no JSON"),
        (".json", '[{"n": NaN}]', "NaN is not a JSON number"),
        (".json", "[1]", "record 0 is not an object"),
        (".json", "[]", "no records"),
        (".ndjson", '{"n": 1}\nx\n', "line 2 is no JSON"),
        (".csv", "n,x\n1\n", "line 2 has 1 values, the header has 2"),
        (".csv", "n,n\n1,1\n", "names a column twice"),
        (".csv", "q\n1\n", "none of the model's inputs: n, x, ok, zip"),
        (".csv", 'n\n"1\n', "cannot be read near line"),
        (".csv", "n\n", "no records"),
        (".csv", "", "no records"),
    ],
)
def test_wrong_input_is_told_with_its_place(suffix: str, text: str, told: str) -> None:
    with pytest.raises(BadData, match=told):
        read_records(text.encode(), suffix, INPUTS)


def test_bytes_that_are_no_utf8_are_refused() -> None:
    with pytest.raises(BadData, match="byte 2 is wrong"):
        read_records(b"n\n\xff\n", ".csv", INPUTS)


def test_a_request_holds_at_most_1000_rows_and_3_mib() -> None:
    assert [len(batch) for batch in batches([{"n": 1}] * 2001)] == [1000, 1000, 1]
    large = {"t": "x" * 1_000_000}
    assert [len(batch) for batch in batches([large] * 5)] == [2, 2, 1]
    assert all(len(json.dumps(batch).encode()) <= MAX_BODY_BYTES for batch in batches([large] * 5))


def test_a_prediction_names_its_model_version_and_the_score_of_its_class(run: Run) -> None:
    result = run(stage(), "predict", "flights", "--json", json.dumps(RECORD), "-o", "json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == [
        {
            "id": "r-0",
            "value": True,
            "scores": {"false": 0.25, "true": 0.75},
            "score": 0.75,
            "model_version": "v3",
        }
    ]


def test_many_records_from_standard_input_are_answered_in_order_over_several_requests(run: Run) -> None:
    fake = stage()
    text = "n,x,ok,zip\n" + "".join(f"{n},0.5,true,a\n" for n in range(1500))
    result = run(fake, "predict", "flights", "-", "-o", "csv", text=text)
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 1501
    sent = [json.loads(body)["records"] for body in fake.asked("POST /predictions/flights")]
    assert [len(batch) for batch in sent] == [1000, 500]
    assert sent[1][0]["n"] == 1000


def test_nothing_live_ends_with_3(run: Run) -> None:
    result = run(FakeStage({}), "predict", "flights", "-", text="n\n1\n")
    assert result.exit_code == 3
    assert "nothing is live" in result.stderr
