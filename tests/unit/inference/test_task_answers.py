"""What a task asks and answers passes the service whole: one golden file per task in ``tests/predictions``."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from chalicelib.inference.answers import Answer, parse_answers
from chalicelib.inference.formats import CSV, Records, join, to_rows
from chalicelib.inference.golden import GoldenRow, check_answers
from chalicelib.inference.states import Refused
from chalicelib.inference.tables import to_csv
from chalicelib.inference.validation import Validator
from chalicelib.inference.views import Predictions, prediction_view

from shared.errors import InvalidBody, Unavailable

FOLDER = Path(__file__).parents[2] / "predictions"
TASKS = sorted(path.stem for path in FOLDER.glob("*.json"))

SHOPS = {
    "inputs": [
        {
            "name": "series",
            "type": "object",
            "required": True,
            "fields": [
                {"name": "shop", "type": "string", "required": True},
                {"name": "item", "type": "integer", "required": True},
            ],
        },
        {"name": "horizon", "type": "integer", "required": False, "minimum": 1, "maximum": 12},
    ]
}


def golden(task: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((FOLDER / f"{task}.json").read_text(encoding="utf-8"))
    return document


def answers_of(task: str) -> list[Answer]:
    document = golden(task)["model_answer"]
    return parse_answers(json.dumps(document).encode(), len(document["predictions"]))


@pytest.mark.parametrize("task", TASKS)
def test_a_request_of_the_task_fits_the_models_inputs(task: str) -> None:
    records = golden(task)["request"]["records"]
    assert Validator({"inputs": golden(task)["inputs"]}).check(json.dumps(records).encode()) == len(records)


@pytest.mark.parametrize("task", TASKS)
def test_what_the_model_answers_reaches_the_caller_with_ids(task: str) -> None:
    predictions = [prediction_view(f"request-1-{row}", answer) for row, answer in enumerate(answers_of(task))]
    answer = Predictions(model_version="v1", predictions=predictions)
    assert json.loads(msgspec.json.encode(answer)) == golden(task)["answer"]
    assert to_csv(predictions) == golden(task)["csv"]


@pytest.mark.parametrize("task", TASKS)
def test_golden_rows_of_the_task_tell_another_answer_from_the_same(task: str) -> None:
    answers = answers_of(task)
    rows = [GoldenRow(record=msgspec.Raw(b"{}"), prediction=answer) for answer in answers]
    check_answers(rows, answers)
    with pytest.raises(Refused, match="golden row 0"):
        check_answers(rows, list(reversed(answers)))


def test_an_answer_that_says_nothing_breaks_the_contract() -> None:
    with pytest.raises(Unavailable, match="an answer without value, points or items"):
        parse_answers(b'{"predictions": [{}]}', 1)


@pytest.mark.parametrize(
    ("record", "pointer", "detail"),
    [
        ({"series": {"shop": "a", "item": 1.5}}, "/records/0/series/item", "1.5 is not a whole number"),
        ({"series": {"shop": "a"}}, "/records/0/series/item", "is required: a whole number"),
        (
            {"series": {"shop": "a", "item": 1, "itm": 2}},
            "/records/0/series/itm",
            "is not an input of this model; did you mean 'item'?",
        ),
        ({"series": "a"}, "/records/0/series", '"a" is not an object with shop, item'),
        ({}, "/records/0/series", "is required: an object with shop, item"),
        (
            {"series": {"shop": "a", "item": 1}, "horizon": 13},
            "/records/0/horizon",
            "13 is not a whole number from 1 to 12",
        ),
    ],
)
def test_what_is_wrong_inside_an_object_or_out_of_bounds_is_named(
    record: dict[str, Any], pointer: str, detail: str
) -> None:
    with pytest.raises(InvalidBody) as caught:
        Validator(SHOPS).check(json.dumps([record]).encode())
    assert [(error.pointer, error.detail) for error in caught.value.errors] == [(pointer, detail)]


def test_a_csv_names_the_members_of_an_object_by_its_columns() -> None:
    validator = Validator(SHOPS)
    body = join(
        to_rows(Records(kind=CSV, body=b"series.shop,series.item,horizon\na,7,2\n"), validator.inputs)
    )
    assert json.loads(body) == [{"series": {"shop": "a", "item": 7.0}, "horizon": 2.0}]
    assert validator.check(body) == 1


def test_recommended_items_are_a_row_each() -> None:
    answer = msgspec.json.decode(b'{"items": [{"item": "b", "score": 2.5}, {"item": "a"}]}', type=Answer)
    assert to_csv([prediction_view("r-0", answer)]) == "id,rank,item,score\nr-0,1,b,2.5\nr-0,2,a,\n"
