"""The REST API: predictions, endpoints, and what every malformed request is told."""

import json

import pytest
from chalicelib.inference.answers import Answer
from chalicelib.inference.workflow import rollout

from shared.errors import InvalidBody, Unavailable
from shared.tables import Change
from tests.unit.inference.fakes import answer_of
from tests.unit.inference.rest import records, release

ONE = {"distance": 7, "carrier": "AA"}
HISTORY = "/v1/endpoints/{pipeline}/history"
ENDPOINT = "/v1/endpoints/{pipeline}"
PREDICTION = "/v1/predictions/{pipeline}/{id}"


def test_records_are_answered_with_the_live_version_and_an_id_each(live):
    answer = live.predict(records(ONE, {**ONE, "distance": 90}))
    assert answer.status == 200
    assert answer.body["model_version"] == "v1"
    assert [one["id"] for one in answer.body["predictions"]] == ["request-1-0", "request-1-1"]
    expected = answer_of("v1", ONE)
    assert answer.body["predictions"][0]["value"] is expected.value
    assert answer.body["predictions"][0]["scores"] == expected.scores


def test_a_prediction_can_be_read_again_with_where_it_came_from(live):
    live.predict(records(ONE, {**ONE, "distance": 90}))
    found = live.get(PREDICTION, PREDICTION, pipeline="flights", id="request-1-1")
    assert found.status == 200
    assert found.body == {
        "id": "request-1-1",
        "pipeline": "flights",
        "inputs": "full",
        "record": {"distance": 90, "carrier": "AA"},
        "value": False,
        "scores": answer_of("v1", {"distance": 90}).scores,
        "model_version": "v1",
        "job_id": "job-v1",
        "dataset_versions": ["d1"],
        "endpoint": "headrace-test-flights-v1",
        "latency_ms": 0.0,
        "at": "2026-01-01T00:00:00Z",
    }


@pytest.mark.parametrize(
    "name", ["request-1-2", "request-9-0", "nonsense", "request-1-", "-1", "request-1-٣"]
)
def test_a_prediction_that_is_not_on_record_is_not_found(live, name):
    live.predict(records(ONE, ONE))
    assert live.get(PREDICTION, PREDICTION, pipeline="flights", id=name).status == 404


def test_a_prediction_is_not_found_under_another_pipeline(live):
    live.predict(records(ONE))
    live.stage.add_pipeline("trains")
    # With a version of the same name, so that nothing else keeps it from being told.
    live.stage.add_model("v1", pipeline="trains")
    assert live.get(PREDICTION, PREDICTION, pipeline="trains", id="request-1-0").status == 404


def test_csv_and_ndjson_give_the_same_answers_as_json(live):
    plain = live.predict(records({**ONE, "weekend": True}, {**ONE, "distance": 90, "delay": 1.5})).body
    text = "distance,carrier,weekend,delay\r\n7,AA,true,\r\n90,AA,,1.5\r\n"
    comma = live.predict("\ufeff" + text, "text/csv; charset=utf-8").body
    lines = '{"distance":7,"carrier":"AA","weekend":true}\n\n{"distance":90,"carrier":"AA","delay":1.5}\n'
    newline = live.predict(lines, "application/x-ndjson").body
    values = [
        [(one["value"], one["scores"]) for one in body["predictions"]] for body in (plain, comma, newline)
    ]
    assert values[0] == values[1] == values[2]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("distance,carrier\n7,A\ufffd\n", "text/csv"),
        ('{"distance": 7, "carrier": "A\ufffd"}', "application/x-ndjson"),
        ('{"records": [{"distance": 7, "carrier": "A\ufffd"}]}', "application/json"),
    ],
)
def test_what_the_gateway_made_of_another_encoding_is_refused(live, text, kind):
    answer = live.predict(text, kind)
    assert (answer.status, "not UTF-8" in answer.body["detail"]) == (422, True)


def test_answers_come_as_csv_to_who_accepts_csv(live):
    answer = live.predict(records(ONE), accept="text/csv")
    header, line = answer.text.splitlines()
    assert header == "id,value,score_false,score_true"
    assert line.startswith("request-1-0,false,0.97")
    assert answer.headers["x-model-version"] == "v1"
    assert answer.headers["content-type"].startswith("text/csv")


MALFORMED = {
    "empty body": ("", 422, None),
    "not JSON": ("{", 422, None),
    "NaN": ('{"records":[{"distance":NaN,"carrier":"AA"}]}', 422, None),
    "infinite number": ('{"records":[{"distance":1e999,"carrier":"AA"}]}', 422, "/records/0/distance"),
    "more digits than any number": (
        '{"records":[{"distance":%s,"carrier":"AA"}]}' % ("9" * 5000),
        422,
        "/records/0/distance",
    ),
    "more than 64 bits": ('{"records":[{"distance":%s,"carrier":"AA"}]}' % 2**63, 422, "/records/0/distance"),
    "no records": ("{}", 422, ""),
    "records is no list": ('{"records":3}', 422, "/records"),
    "empty records": ('{"records":[]}', 422, "/records"),
    "a record is no object": ('{"records":[7]}', 422, "/records/0"),
    "unknown top field": ('{"records":[],"recrods":1}', 422, ""),
    "routing key of a wrong type": ('{"records":[],"routing_key":7}', 422, "/routing_key"),
    "unknown field": (records(ONE, {**ONE, "distanse": 1}), 422, "/records/1/distanse"),
    "missing required": (records({"distance": 7}), 422, "/records/0/carrier"),
    "required is null": (records({**ONE, "carrier": None}), 422, "/records/0/carrier"),
    "text for a number": (records(ONE, ONE, ONE, {**ONE, "distance": "x"}), 422, "/records/3/distance"),
    "part of a whole number": (records({**ONE, "distance": 7.5}), 422, "/records/0/distance"),
    "true for a number": (records({**ONE, "delay": True}), 422, "/records/0/delay"),
    "number for text": (records({**ONE, "carrier": 1}), 422, "/records/0/carrier"),
    "number for a boolean": (records({**ONE, "weekend": 1}), 422, "/records/0/weekend"),
    "no time": (records({**ONE, "departed_at": "yesterday"}), 422, "/records/0/departed_at"),
    "pointer is escaped": (records({**ONE, "day/of~sale": "x"}), 422, "/records/0/day~1of~0sale"),
    "nested value": (records({**ONE, "delay": {"a": [1]}}), 422, "/records/0/delay"),
    "deep nesting": ('{"records":' + "[" * 100_000 + "]" * 100_000 + "}", 422, None),
    "1,001 records": (records(*[ONE] * 1001), 413, None),
    "1,001 wrong records": (records(*[{}] * 1001), 413, None),
    "over 3 MiB": (records({**ONE, "carrier": "A" * 3 * 1024 * 1024}), 413, None),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_body_is_told_what_is_wrong_and_where(live, case):
    body, status, pointer = MALFORMED[case]
    answer = live.predict(body)
    assert answer.status == status
    problem = answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    assert (problem["status"], problem["request_id"]) == (status, "request-1")
    assert "Traceback" not in answer.text
    if pointer is not None:
        assert problem["errors"][0]["pointer"] == pointer
    assert live.stage.runtime.asked == []


MALFORMED_TEXT = {
    "CSV of a wrong type": ("text/csv", "distance,carrier\nx,AA\n", 422, "/records/0/distance"),
    "CSV with nan": ("text/csv", "distance,carrier\n7,AA\nnan,AA\n", 422, "/records/1/distance"),
    "CSV with an infinite number": ("text/csv", "distance,carrier\n1e999,AA\n", 422, "/records/0/distance"),
    "CSV with other digits": ("text/csv", "distance,carrier\n\uff17,AA\n", 422, "/records/0/distance"),
    "CSV with an unknown column": ("text/csv", "distance,carrier,x\n7,AA,1\n", 422, "/records/0/x"),
    "CSV row too short": ("text/csv", "distance,carrier\n7\n", 422, "/records/0"),
    "CSV column twice": ("text/csv", "distance,distance\n7,7\n", 422, ""),
    "CSV quote open": ("text/csv", 'distance,carrier\n7,"AA\n', 422, ""),
    "CSV header only": ("text/csv", "distance,carrier\n", 422, "/records"),
    "CSV empty": ("text/csv", "", 422, "/records"),
    "NDJSON broken line": ("application/x-ndjson", '{"distance":7,"carrier":"AA"}\n{"d', 422, "/records/1"),
    "NDJSON across lines": ("application/x-ndjson", '{"distance":7\n"carrier":"AA"}', 422, "/records/0"),
    "other type": ("application/xml", "<a/>", 415, None),
}


@pytest.mark.parametrize("case", MALFORMED_TEXT)
def test_malformed_text_is_told_what_is_wrong_and_where(live, case):
    kind, body, status, pointer = MALFORMED_TEXT[case]
    answer = live.predict(body, kind)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    if pointer is not None:
        assert answer.body["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    ("body", "kind", "told"),
    [
        ('{"distance":7,"carrier":"AA"}', "application/json", 'send {"records": [{…}, …]}'),
        ('[{"distance":7}]', "application/json", 'send {"records": [{…}, …]}'),
        ('{"records":[{"distance":NaN}]}', "application/json", "send null for what is missing"),
        ('{"distance": -Infinity}', "application/x-ndjson", "send null for what is missing"),
        (
            "distance;carrier\n7;AA\n",
            "text/csv",
            "one column, 'distance;carrier': separate columns by commas",
        ),
        ("distance\tcarrier\n7\tAA\n", "text/csv", "separate columns by commas"),
        ("7,AA\n", "text/csv", "the first line of a CSV is its header"),
    ],
)
def test_a_frequent_mistake_is_told_with_what_to_do(live, body, kind, told):
    answer = live.predict(body, kind)
    assert (answer.status, told in answer.body["detail"]) == (422, True), answer.body["detail"]


def test_a_byte_order_mark_before_the_body_is_no_part_of_it(live):
    one = json.dumps(ONE)
    for body, kind in (
        (records(ONE), "application/json"),
        (one, "application/x-ndjson"),
        ("distance,carrier\n7,AA\n", "text/csv"),
    ):
        assert live.predict("\ufeff" + body, kind).status == 200


def test_every_wrong_place_is_named_up_to_a_hundred(live):
    two = live.predict(records({"distance": "x", "carier": "AA"})).body["errors"]
    assert {(one["pointer"], one["detail"].split(" ")[0]) for one in two} == {
        ("/records/0/distance", '"x"'),
        ("/records/0/carrier", "is"),
        ("/records/0/carier", "is"),
    }
    assert any("did you mean 'carrier'?" in one["detail"] for one in two)
    many = live.predict(records(*[{}] * 90)).body
    assert len(many["errors"]) == 100
    assert "(and 179 more; `errors` names 100)" in many["detail"]


def test_a_long_wrong_value_is_not_repeated_whole(live):
    answer = live.predict(records({**ONE, "distance": "y" * 10_000}))
    assert len(answer.text) < 1000


def test_values_unseen_in_training_are_the_models_to_judge(live):
    assert live.predict(records({**ONE, "carrier": "ZZ"})).status == 200


def test_whole_numbers_may_be_spelled_with_a_point_and_have_64_bits(live):
    assert live.predict(records({**ONE, "distance": 7.0})).status == 200
    assert live.predict(records({**ONE, "distance": 2**63 - 1})).status == 200
    (error,) = live.predict(records({**ONE, "distance": 2**63})).body["errors"]
    assert error["detail"] == "is out of range: a whole number is expected"


def test_an_unknown_pipeline_is_not_found_and_one_without_a_release_conflicts(rest):
    assert rest.predict(records(ONE), pipeline="trains").status == 404
    answer = rest.predict(records(ONE))
    assert answer.status == 409
    assert answer.body["detail"].startswith("nothing is live yet")


def test_a_named_version_answers_while_its_endpoint_is_there(live):
    release(live, "v2", "v1")
    live.stage.monotonic += 3
    assert live.predict(records(ONE), version="v1").body["model_version"] == "v1"
    assert live.predict(records(ONE)).body["model_version"] == "v2"
    del live.stage.endpoints.made["headrace-test-flights-v1"]
    assert live.predict(records(ONE), version="v1").status == 409
    assert live.predict(records(ONE), version="v9").status == 404
    assert live.predict(records(ONE), version="1; drop").status == 400


def test_a_rollback_is_obeyed_within_two_seconds(live):
    release(live, "v2", "v1")
    live.stage.monotonic = 10.0
    assert live.predict(records(ONE)).body["model_version"] == "v2"
    assert live.operate("rollback").status == 200
    live.stage.monotonic = 12.0
    assert live.predict(records(ONE)).body["model_version"] == "v2"
    live.stage.monotonic = 12.01
    assert live.predict(records(ONE)).body["model_version"] == "v1"


def test_the_release_row_is_read_once_in_two_seconds(live):
    reads = []
    get = live.stage.releases.get

    def counted(*key):
        reads.append(key)
        return get(*key)

    live.stage.releases.get = counted
    for _ in range(5):
        live.predict(records(ONE))
    assert len(reads) == 1


def test_what_the_model_refuses_is_told_in_its_own_words(live):
    live.stage.runtime.error = InvalidBody("The model refuses the records: Record 0, field 'x': 1 is not y.")
    answer = live.predict(records(ONE))
    assert (answer.status, answer.body["detail"]) == (422, str(live.stage.runtime.error))


def test_a_failing_endpoint_is_503_with_retry_after_and_no_inner_text(live):
    live.stage.runtime.error = Unavailable("invoke headrace-test-flights-v1: secret inner text")
    answer = live.predict(records(ONE))
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert "secret" not in answer.text


def test_who_meets_a_pipeline_that_sleeps_is_told_so_and_when_to_come_back(live):
    live.stage.releases.update(("flights", "current"), Change(set={"asleep_at": "2026-01-01T00:00:00Z"}))
    answer = live.predict(records(ONE))
    assert (answer.status, answer.headers["retry-after"]) == (503, "30")
    assert "is being started again" in answer.body["detail"]


def test_a_prediction_is_answered_even_if_it_cannot_be_recorded(live):
    def refuse(*_, **__):
        raise Unavailable("throttled")

    live.predictions.put = refuse
    assert live.predict(records(ONE)).status == 200


def test_each_request_leaves_one_metric_line_with_the_version_as_a_property(live, capsys):
    capsys.readouterr()
    live.predict(records(ONE, ONE))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    (line,) = lines
    assert (line["requests"], line["rows"], line["errors"], line["version"]) == (1, 2, 0, "v1")
    assert (line["role"], line["outcome"], line["cold_starts"]) == ("live", "ok", 1)
    for_all, by_role = line["_aws"]["CloudWatchMetrics"]
    assert for_all["Dimensions"] == [["stage", "pipeline", "service"]]
    assert by_role["Dimensions"] == [["stage", "pipeline", "service", "role"]]
    # One metric for each name: CloudWatch adds the roles up, and a second would be paid for.
    assert [metric["Name"] for metric in for_all["Metrics"]] == ["rows", "cold_starts"]
    assert [metric["Name"] for metric in by_role["Metrics"]] == ["requests", "latency_ms", "errors"]
    live.stage.runtime.error = Unavailable("down")
    live.predict(records(ONE))
    failed = [json.loads(text) for text in capsys.readouterr().out.splitlines() if "_aws" in text]
    assert [(one["errors"], one["outcome"], one["cold_starts"]) for one in failed] == [(1, "unavailable", 0)]


def test_promote_rollback_and_stop_answer_with_the_release(live):
    live.stage.add_model("v2", "v1")
    promoted = live.operate("promote", {"version": "v2"})
    assert (promoted.status, promoted.body["candidate"], promoted.body["phase"]) == (202, "v2", "WARMING")
    assert live.operate("promote", {"version": "v2"}).status == 409
    stopped = live.operate("stop", {"reason": "not now"})
    assert (stopped.status, stopped.body["candidate"], stopped.body["reason"]) == (200, None, "not now")
    release(live, "v3", "v1")
    back = live.operate("rollback", {"reason": "errors"})
    assert (back.status, back.body["live"], back.body["previous"]) == (200, "v1", "v3")
    seen = live.get(ENDPOINT, ENDPOINT, pipeline="flights")
    assert (seen.body, seen.body["endpoint"]) == (back.body, "headrace-test-flights-v1")
    entries = live.get(HISTORY, HISTORY, pipeline="flights").body["entries"]
    assert [(one["who"], one["outcome"], one["to_version"]) for one in entries][::-1] == [
        ("headrace", "STARTED", None),
        ("headrace", "LIVE", "v1"),
        ("token-1", "STARTED", "v1"),
        ("token-1", "ROLLED_BACK", "v1"),
        ("headrace", "STARTED", "v1"),
        ("headrace", "LIVE", "v3"),
        ("token-1", "ROLLED_BACK", "v1"),
    ]


def test_a_rollback_to_an_endpoint_that_was_deleted_is_202_recreating_until_it_serves(live):
    release(live, "v2", "v1")
    del live.stage.endpoints.made["headrace-test-flights-v1"]
    back = live.operate("rollback", {"reason": "errors"})
    told = {name: back.body[name] for name in ("live", "candidate", "phase")}
    assert (back.status, told) == (202, {"live": "v2", "candidate": "v1", "phase": "RECREATING"})
    live.stage.monotonic += 3
    assert live.predict(records(ONE)).body["model_version"] == "v2"
    live.stage.endpoints.finish()
    rollout.advance(live.stage.adapters, "flights")
    seen = live.get(ENDPOINT, ENDPOINT, pipeline="flights").body
    assert (seen["live"], seen["candidate"], seen["phase"]) == ("v1", None, "IDLE")
    live.stage.monotonic += 3
    assert live.predict(records(ONE)).body["model_version"] == "v1"


def test_forcing_needs_a_reason(live):
    live.stage.add_model("v2", "v9")
    assert live.operate("promote", {"version": "v2"}).status == 409
    refused = live.operate("promote", {"version": "v2", "force": True})
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/reason")
    assert live.operate("promote", {"version": "v2", "force": True, "reason": "hotfix"}).status == 202


@pytest.mark.parametrize("body", [None, {}, {"version": 2}, {"version": "latest"}, {"version": "v2", "x": 1}])
def test_a_malformed_promotion_is_refused(live, body):
    assert live.operate("promote", body).status == 422


@pytest.mark.parametrize("at", ["noon", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+14:00"])
def test_a_broken_time_in_history_is_refused(live, at):
    answer = live.call("GET", HISTORY, HISTORY, {"pipeline": "flights"}, query={"at": at})
    assert (answer.status, "RFC 3339" in answer.body["detail"]) == (400, True)


def test_health_is_open_but_only_through_the_edge(rest):
    rest.scopes = ""
    answer = rest.get("/v1/health", "/v1/health")
    assert (answer.status, answer.body) == (200, {"status": "ok", "stage": "test"})
    rest.secret = "guessed"
    assert rest.get("/v1/health", "/v1/health").status == 403


def test_a_token_sees_its_own_pipelines_only(live):
    live.stage.add_pipeline("trains")
    live.pipelines = "trains"
    assert live.get(ENDPOINT, ENDPOINT, pipeline="flights").status == 404
    assert live.predict(records(ONE)).status == 404
    assert live.operate("rollback").status == 404
    assert live.get("/v1/endpoints", "/v1/endpoints").body == {"endpoints": []}
    live.pipelines = "flights"
    (seen,) = live.get("/v1/endpoints", "/v1/endpoints").body["endpoints"]
    assert seen["pipeline"] == "flights"


@pytest.mark.parametrize(("scope", "allowed"), [("read", 200), ("predict", 403), ("operate", 403)])
def test_reading_needs_the_scope_read(live, scope, allowed):
    live.scopes = scope
    assert live.get(ENDPOINT, ENDPOINT, pipeline="flights").status == allowed


def test_predicting_and_operating_need_their_scopes(live):
    live.scopes = "read"
    assert live.predict(records(ONE)).status == 403
    assert live.operate("stop").status == 403


def test_every_route_but_health_has_the_authorizer(module):
    open_routes = {
        (method, path)
        for path, methods in module.app.routes.items()
        for method, route in methods.items()
        if route.authorizer is None
    }
    assert open_routes == {("GET", "/v1/health")}


def test_every_post_honours_an_idempotency_key_but_those_that_may_be_repeated_as_they_are(module):
    posts = [operation for operation in module.api.operations if operation.method == "POST"]
    without = {operation.name for operation in posts if not operation.idempotent}
    # Predictions change nothing, and a label of an id is the same label however often it comes.
    assert without == {"predict", "infer", "infer_version", "add_ground_truth"}


def test_answers_of_numbers_go_through_as_numbers(live):
    live.stage.runtime.wrong["v1"] = [Answer(value=1.25)]
    (one,) = live.predict(records(ONE)).body["predictions"]
    assert one == {"id": "request-1-0", "value": 1.25}


def test_an_answer_too_large_to_send_is_told_so(live):
    live.stage.runtime.wrong["v1"] = [Answer(value="x" * 3_200_000)]
    answer = live.predict(records(ONE))
    assert (answer.status, "send fewer records" in answer.body["detail"]) == (413, True)
