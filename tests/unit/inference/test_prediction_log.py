"""The log of predictions: one line, never an input in it; written once, whatever is delivered twice or cut off."""

import base64
import gzip
import hashlib
import hmac
import json

import msgspec
import pytest
from chalicelib.inference.answers import Answer, Point
from chalicelib.inference.log_lines import LINE_BYTES, Content, LogLine, body_of, read, spell, unpack
from chalicelib.inference.workflow import writing

from shared.errors import BadGateway, Unavailable
from tests.alarm_metrics import reaches
from tests.unit.inference.breaking import Breaking
from tests.unit.inference.rest import records, release

PREDICTION = "/v1/predictions/{pipeline}/{id}"
ONE = {"distance": 7, "carrier": "AA"}
CANARY = "Ada Lovelace, 12 St James's Square"
LINE = LogLine(
    request_id="r",
    pipeline="flights",
    model_version="v1",
    at="2026-01-01T00:00:00Z",
    latency_ms=20.0,
    row_count=1,
    content=Content(predictions=[Answer(value=True, scores={"true": 0.75, "false": 0.25})]),
)


def metrics_of(rest, **query):
    path = "/v1/endpoints/{pipeline}/metrics"
    answer = rest.call("GET", path, path, {"pipeline": "flights"}, query=query)
    assert answer.status == 200, answer.text
    return {one["model_version"]: one for one in answer.body["versions"]}


def found(rest, name):
    return rest.get(PREDICTION, PREDICTION, pipeline="flights", id=name)


@pytest.mark.parametrize("policy", ["none", "hash", "full"])
def test_no_input_is_ever_in_the_log(rest, capsys, policy):
    rest.stage.add_pipeline("flights", inputs=policy)
    release(rest, "v1")
    assert rest.predict(records({**ONE, "carrier": CANARY})).status == 200
    assert rest.predict(records({**ONE, "nobody": CANARY})).status == 422
    rest.stage.runtime.errors = [BadGateway("no"), BadGateway("no")]
    rest.predict(records({**ONE, "carrier": CANARY}))
    assert CANARY not in "".join(rest.stage.log.lines) + capsys.readouterr().out
    kept = found(rest, "request-1-0").body
    assert kept["inputs"] == policy
    assert kept.get("record") == ({**ONE, "carrier": CANARY} if policy == "full" else None)
    assert ("input_hash" in kept) == (policy == "hash")
    assert (list(rest.stage.data.list("captures/")) != []) == (policy == "full")


def test_equal_records_have_equal_hashes_whatever_the_order_of_their_fields(rest):
    rest.stage.add_pipeline("flights", inputs="hash")
    release(rest, "v1")
    rest.predict(records(ONE, dict(reversed(ONE.items())), {**ONE, "distance": 8}))
    first, same, other = (found(rest, f"request-1-{row}").body["input_hash"] for row in range(3))
    assert first == same != other
    # By the key of the stage: without it what has few values is found by trying them all.
    sorted_record = json.dumps(ONE, sort_keys=True, separators=(",", ":")).encode()
    assert first == hmac.new(b"key", sorted_record, hashlib.sha256).hexdigest()


def test_a_capture_that_fails_changes_nothing_for_the_caller(live, monkeypatch):
    def refuse(*_args, **_options):
        raise Unavailable("S3 is down")

    monkeypatch.setattr(live.stage.data, "write", refuse)
    assert live.predict(records(ONE)).status == 200
    assert found(live, "request-1-0").body["inputs"] == "none"


def test_a_line_that_cannot_be_written_is_counted_and_changes_nothing_for_the_caller(
    live, monkeypatch, capsys
):
    def closed(_line):
        raise ValueError("I/O operation on closed file")

    monkeypatch.setattr(live.stage.log, "write", closed)
    capsys.readouterr()
    assert live.predict(records(ONE)).status == 200
    assert reaches("LogDropped", capsys.readouterr().out, stage=live.stage.predicting.stage)


def test_a_prediction_is_on_record_as_soon_as_its_line_was_delivered(live):
    live.stage.log.paused = True
    live.predict(records(ONE))
    assert found(live, "request-1-0").status == 404
    live.stage.log.resume()
    assert found(live, "request-1-0").status == 200


def test_a_line_that_is_delivered_again_is_written_and_counted_once(live):
    live.predict(records(ONE, ONE))
    live.predict(records(ONE))
    live.predict(records(ONE))
    lines = live.stage.log.lines
    assert len(lines) == 3
    writing.write(live.stage.remembering, [*lines[:2], lines[0]])
    # One that is new among others that are there.
    more = json.loads(lines[0]) | {"request_id": "another"}
    writing.write(live.stage.remembering, [lines[2], json.dumps(more)])
    v1 = metrics_of(live)["v1"]
    assert (v1["requests"], v1["rows"]) == (4, 6)
    assert found(live, "another-1").status == 200


def test_a_version_that_fails_is_counted_and_has_no_prediction(live):
    live.stage.runtime.errors = [BadGateway("no")]
    assert live.predict(records(ONE)).status == 502
    live.predict(records(ONE))
    v1 = metrics_of(live)["v1"]
    assert (v1["requests"], v1["errors"], v1["error_rate"]) == (2, 1, 0.5)
    assert found(live, "request-1-0").status == 404


def test_a_request_that_is_the_callers_fault_counts_for_no_version(live):
    assert live.predict(records({"nothing": 1})).status == 422
    assert metrics_of(live) == {}


def test_lines_that_are_cut_off_or_not_ours_are_counted_as_dropped(live, capsys):
    good = spell(LINE)[0]
    lines = [
        good[: len(good) // 2],
        '{"log": "prediction"}',
        "REPORT",
        good,
        json.dumps(json.loads(good) | {"at": "soon", "request_id": "x"}),
    ]
    writing.write(live.stage.remembering, lines)
    out = capsys.readouterr().out
    told = [json.loads(line) for line in out.splitlines()]
    assert [line["LogDropped"] for line in told if "LogDropped" in line] == [4]
    assert reaches("LogDropped", out, stage=live.stage.remembering.stage)
    assert found(live, "r-0").status == 200


def test_an_answer_too_long_for_a_line_goes_in_several_and_is_whole_only_with_all_of_them(live):
    points = tuple(
        Point(time="2026-01-01", value=n * 0.123456789 % 1, interval=(n * 0.7 % 1, n * 0.9 % 1))
        for n in range(20_000)
    )
    long = msgspec.structs.replace(LINE, content=Content(predictions=[Answer(points=points)]))
    lines = spell(long)
    assert len(lines) > 1
    assert all(len(line) <= LINE_BYTES + 1000 for line in lines)
    writing.write(live.stage.remembering, lines[1:])
    assert found(live, "r-0").status == 404
    writing.write(live.stage.remembering, lines[:1])
    assert len(found(live, "r-0").body["points"]) == len(points)
    assert metrics_of(live)["v1"]["requests"] == 1
    parts = [read(line) for line in lines]
    assert unpack(b"".join(body_of(part) for part in parts if part)) == long.content


def test_a_writer_that_breaks_off_at_any_call_loses_and_doubles_nothing(live, monkeypatch):
    lines = [
        spell(msgspec.structs.replace(LINE, request_id=f"r{n}", at=f"2026-01-01T00:0{n % 10}:00Z"))[0]
        for n in range(250)
    ]
    table = live.stage.predictions
    breaking = Breaking(monkeypatch, [(table, "transact"), (table, "query")], Unavailable("killed"))
    while not breaking.runs_through(lambda: writing.write(live.stage.remembering, lines)):
        pass
    assert breaking.at > 10
    live.stage.clock.advance(600)
    assert metrics_of(live)["v1"]["requests"] == 250
    assert len([key for key in live.stage.predictions.rows if key[0].startswith("r")]) == 250


def test_what_a_subscription_delivers_is_read_and_its_control_messages_are_not():
    def event(kind, *messages):
        log = {
            "messageType": kind,
            "owner": "1",
            "logEvents": [{"id": "1", "timestamp": 1, "message": m} for m in messages],
        }
        return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(log).encode())).decode()}}

    assert writing.messages_of(event("DATA_MESSAGE", "a", "b")) == ["a", "b"]
    assert writing.messages_of(event("CONTROL_MESSAGE", "CWL CONTROL MESSAGE: Checking health")) == []
    with pytest.raises(ValueError, match="no delivery"):
        writing.messages_of({"detail": {}})
