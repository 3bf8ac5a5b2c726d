"""The prediction API beyond the plain request: formats by Accept, bad rows apart, patience with endpoints."""

import json
import re
from collections.abc import Buffer
from typing import Any

import pytest

from shared.errors import BadGateway, Broken, HeadraceError, InvalidBody, TimedOut, Unavailable
from tests.unit.inference.fakes import answer_of
from tests.unit.inference.rest import Rest, records

ONE = {"distance": 7, "carrier": "AA"}
BAD = {"distance": "x", "carier": "AA"}
PREDICTION = "/v1/predictions/{pipeline}/{id}"
NDJSON = "application/x-ndjson"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/csv;q=0.4, application/json", "application/json"),
        ("text/csv, application/json;q=0.4", "text/csv; charset=utf-8"),
        (f"text/csv;q=0.2, {NDJSON};q=0.4", f"{NDJSON}; charset=utf-8"),
        ("text/html, */*;q=0.1", "application/json"),
    ],
)
def test_the_answer_has_the_format_that_accept_prefers(live: Rest, accept: str, kind: str) -> None:
    answer = live.predict(records(ONE), accept=accept)
    assert (answer.status, answer.headers["content-type"]) == (200, kind)
    assert answer.headers["x-model-version"] == "v1"


def test_a_format_that_is_not_there_is_refused_before_a_model_is_asked(live: Rest) -> None:
    answer = live.predict(records(ONE), accept="image/png")
    assert (answer.status, "text/csv" in answer.body["detail"]) == (406, True)
    assert live.stage.runtime.asked == []


def test_ndjson_has_one_answer_a_line(live: Rest) -> None:
    text = live.predict(records(ONE, ONE), accept=NDJSON).text
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["id"] for line in lines] == ["request-1-0", "request-1-1"]


def test_every_hop_tells_its_time(live: Rest) -> None:
    timing = live.predict(records(ONE)).headers["server-timing"]
    hops = [re.fullmatch(r"(\w+);dur=\d+\.\d\d", part) for part in timing.split(", ")]
    assert [hop and hop[1] for hop in hops] == ["route", "validate", "endpoint", "log", "total"]


def test_good_rows_are_answered_and_bad_ones_explained_in_their_place(live: Rest) -> None:
    answer = live.predict(records(ONE, BAD, {**ONE, "distance": 90}, 7), on_error="row")
    assert (answer.status, answer.body["failed"]) == (200, 2)
    first, second, third, fourth = answer.body["predictions"]
    assert (first["id"], third["id"]) == ("request-1-0", "request-1-2")
    assert "value" not in second
    assert [error["pointer"] for error in second["errors"]] == [
        "/records/1/carier",
        "/records/1/distance",
        "/records/1/carrier",
    ]
    assert fourth["errors"][0]["pointer"] == "/records/3"
    ((_, sent),) = live.stage.runtime.asked
    assert json.loads(sent) == [ONE, {**ONE, "distance": 90}]


@pytest.mark.parametrize(
    ("kind", "body", "failed"),
    [
        ("text/csv", "distance,carrier\n7,AA\n7\nx,AA\n90,AA\n", [1, 2]),
        (NDJSON, '{"distance":7,"carrier":"AA"}\n{"d\n[]\n{"distance":90,"carrier":"AA"}\n', [1, 2]),
        ("application/json", records(ONE, {}, {**ONE, "delay": 1e300, "x": 1}, ONE), [1, 2]),
    ],
)
def test_rows_are_told_apart_in_every_format(live: Rest, kind: str, body: str, failed: list[int]) -> None:
    assert live.predict(body, kind).status == 422
    answers = live.predict(body, kind, on_error="row").body["predictions"]
    assert [row for row, answer in enumerate(answers) if "errors" in answer] == failed


def test_without_on_error_row_a_broken_line_does_not_hide_what_is_wrong_elsewhere(live: Rest) -> None:
    body = '{"distance":"x","carrier":"AA"}\n{"d\n{"distance":7}\n'
    answer = live.predict(body, NDJSON).body
    assert [error["pointer"] for error in answer["errors"]] == [
        "/records/0/distance",
        "/records/1",
        "/records/2/carrier",
    ]


def test_where_no_row_is_good_nothing_is_answered(live: Rest) -> None:
    assert live.predict(records(BAD, {}), on_error="row").status == 422
    assert live.stage.runtime.asked == []


def test_bad_rows_have_a_column_of_their_own_in_csv(live: Rest) -> None:
    lines = live.predict(records(BAD, ONE), accept="text/csv", on_error="row").text.splitlines()
    assert lines[0] == "id,value,score_false,score_true,error"
    assert lines[1].startswith(',,,,"/records/0/carier: is not an input')
    assert lines[2].startswith("request-1-1,false,")


def test_answers_beside_bad_rows_are_on_record_under_their_own_rows(live: Rest) -> None:
    live.predict(records(BAD, ONE, BAD, {**ONE, "distance": 90}), on_error="row")
    found = live.get(PREDICTION, PREDICTION, pipeline="flights", id="request-1-3")
    assert found.body["record"] == {**ONE, "distance": 90}
    assert live.get(PREDICTION, PREDICTION, pipeline="flights", id="request-1-0").status == 404


def test_one_bad_row_does_not_fill_the_answer(live: Rest) -> None:
    wide = {f"x{n}": n for n in range(50)}
    one, _ = live.predict(records(wide, ONE), on_error="row").body["predictions"]
    assert (len(one["errors"]), one["more_errors"]) == (10, 42)


def refused_by_the_model(live: Rest, *distances: int, slow_s: float = 0) -> None:
    """Have the model refuse what holds a record of one of *distances*, naming the first as our containers do."""
    invoke = live.stage.runtime.invoke

    def picky(endpoint: str, body: Buffer, count: int, **options: Any) -> Any:
        live.stage.seconds += slow_s
        for place, record in enumerate(json.loads(bytes(body))):
            if record["distance"] in distances:
                raise InvalidBody(f"The model refuses the records: Record {place}: the series is not known.")
        return invoke(endpoint, body, count, **options)

    live.stage.runtime.invoke = picky  # type: ignore[method-assign, assignment]


def test_records_that_only_the_model_refuses_are_told_by_row_too(live: Rest) -> None:
    refused_by_the_model(live, 3, 9)
    rows = [{**ONE, "distance": distance} for distance in range(12)] + [BAD]
    assert live.predict(records(*rows[:-1])).status == 422
    answer = live.predict(records(*rows), on_error="row")
    assert (answer.status, answer.body["failed"]) == (200, 3)
    told = answer.body["predictions"]
    assert [row for row, one in enumerate(told) if "errors" in one] == [3, 9, 12]
    assert told[9]["errors"] == [
        {"pointer": "/records/9", "detail": "the model refuses it: the series is not known."}
    ]
    assert told[10]["scores"] == answer_of("v1", rows[10]).scores
    # What was captured is what was answered, row by row.
    found = live.get(PREDICTION, PREDICTION, pipeline="flights", id="request-2-10")
    assert found.body["record"] == rows[10]


def test_where_the_model_refuses_every_row_nothing_is_answered(live: Rest) -> None:
    refused_by_the_model(live, 7)
    for rows in ([ONE], [ONE, ONE, ONE]):
        answer = live.predict(records(*rows), on_error="row")
        assert (answer.status, "Record 0: the series" in answer.body["detail"]) == (422, True)


def test_refused_rows_that_cannot_be_told_apart_in_time_refuse_the_request(live: Rest) -> None:
    refused_by_the_model(live, 700, slow_s=4)
    rows = [{**ONE, "distance": distance} for distance in range(1000)]
    answer = live.predict(records(*rows), on_error="row")
    assert (answer.status, "Record 700" in answer.body["detail"]) == (422, True)
    assert len(live.stage.runtime.asked) < 10


def test_categories_unseen_in_training_are_refused_on_demand(live: Rest) -> None:
    rare = records({**ONE, "carrier": "ZZ"})
    assert live.predict(rare).status == 200
    refused = live.predict(rare, unseen="refuse")
    (error,) = refused.body["errors"]
    assert (refused.status, error["pointer"]) == (422, "/records/0/carrier")
    assert error["detail"] == '"ZZ" was not seen in training: AA, UA'
    assert live.predict(records(ONE), unseen="refuse").status == 200


@pytest.mark.parametrize("query", [{"on_error": "raw"}, {"unseen": "maybe"}])
def test_a_query_with_a_value_that_does_not_exist_is_refused(live: Rest, query: dict[str, str]) -> None:
    assert live.predict(records(ONE), **query).status == 400


def test_a_throttled_endpoint_is_asked_once_more(live: Rest) -> None:
    live.stage.runtime.errors = [Unavailable("throttled")]
    assert live.predict(records(ONE)).status == 200
    assert (len(live.stage.runtime.asked), live.stage.pauses) == (2, [0.1])


@pytest.mark.parametrize(
    ("error", "status", "wait"),
    [(BadGateway("inner text"), 502, "1"), (TimedOut("inner text"), 504, "5")],
)
def test_a_model_that_failed_or_was_too_slow_is_not_asked_again(
    live: Rest, error: HeadraceError, status: int, wait: str
) -> None:
    live.stage.runtime.error = error
    answer = live.predict(records(ONE))
    assert (answer.status, answer.headers["retry-after"]) == (status, wait)
    assert "inner" not in answer.text
    assert len(live.stage.runtime.asked) == 1


def test_a_call_that_aws_denies_the_service_is_not_told_as_the_callers_fault(live: Rest) -> None:
    live.stage.runtime.error = Broken("User: arn:aws:sts::1:assumed-role/x is not authorized")
    answer = live.predict(records(ONE))
    assert (answer.status, "arn:" in answer.text) == (500, False)


def test_a_packed_body_is_refused_with_what_to_do(live: Rest) -> None:
    packed = live.predict("\ufffd\ufffd\b", encoding="gzip")
    assert (packed.status, "not packed" in packed.body["detail"]) == (415, True)
    assert live.predict(records(ONE), encoding="identity").status == 200


def test_a_second_try_that_could_not_end_in_time_is_not_made(live: Rest) -> None:
    invoke = live.stage.runtime.invoke

    def slow(*arguments: object, **options: object) -> object:
        live.stage.seconds += 3
        return invoke(*arguments, **options)  # type: ignore[arg-type]

    live.stage.runtime.invoke = slow  # type: ignore[method-assign, assignment]
    live.stage.runtime.errors = [Unavailable("a connection broke after three seconds")]
    assert live.predict(records(ONE)).status == 503
    assert len(live.stage.runtime.asked) == 1


def test_a_hundred_thousand_wrong_places_are_counted_not_told(live: Rest) -> None:
    body = json.dumps({"records": [{f"field{n}": 1 for n in range(100_000)}]})
    answer = live.predict(body)
    assert (answer.status, len(answer.body["errors"])) == (422, 100)
    assert len(answer.text) < 20_000
