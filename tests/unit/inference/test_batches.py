"""Batch predictions: every row in its order or explained, whatever crashes, by the version they began with."""

import json
from typing import Any

import msgspec
import pytest
from chalicelib.inference.batch_input import Unreadable, read_portion
from chalicelib.inference.batch_results import WRITERS
from chalicelib.inference.workflow import batch_work

from shared.errors import BadGateway, Conflict, InvalidBody, NotFound, Unavailable
from shared.tables import Change
from tests.unit.inference.breaking import Breaking
from tests.unit.inference.fakes import answer_of
from tests.unit.inference.rest import release

BATCHES = "/v1/batch-predictions/{pipeline}"
HEADER = "distance,carrier,delay,late,note\r\n"


def post(rest, body, path=BATCHES, **parameters):
    return rest.call("POST", path, path, {"pipeline": "flights", **parameters}, json.dumps(body))


def put(rest, name, text):
    rest.stage.data.write(f"batch/flights/{name}", text.encode())
    return f"s3://data/batch/flights/{name}"


def begin(rest, text, name="mine.csv"):
    answer = post(rest, {"input_uri": put(rest, name, text)})
    assert answer.status == 202, answer.text
    return answer.body["id"]


def work(rest, batch_id, portions=10_000):
    left = [portions]

    def has_time():
        left[0] -= 1
        return left[0] >= 0

    batch_work.work(rest.stage.batching, "flights", batch_id, has_time)


def show(rest, batch_id):
    path = BATCHES + "/{id}"
    answer = rest.call("GET", path, path, {"pipeline": "flights", "id": batch_id})
    assert answer.status == 200, answer.text
    return answer.body


def result(rest, batch_id, name="predictions"):
    text = rest.stage.data.read(f"batch/flights/{batch_id}/out/{name}.ndjson").decode()
    return [json.loads(line) for line in text.splitlines()]


def refuse(live, monkeypatch, distance, why):
    """Have the model refuse whatever holds a record of that distance."""
    invoke = live.stage.runtime.invoke

    def picky(endpoint, records, count, **options):
        for place, record in enumerate(json.loads(records)):
            if record["distance"] == distance:
                raise InvalidBody(f"The model refuses the records: Record {place}: {why}")
        return invoke(endpoint, records, count, **options)

    monkeypatch.setattr(live.stage.runtime, "invoke", picky)


def csv(count, bad=()):
    rows = [f'{"many" if n in bad else n},AA,,1,"said ""{n}"",\r\nand went"' for n in range(1, count + 1)]
    return HEADER + "\r\n".join(rows) + "\r\n"


def test_a_file_in_our_bucket_is_predicted_in_order_and_bad_rows_are_explained(live):
    batch = begin(live, csv(1203, bad={3, 700}))
    assert live.stage.begun == [("flights", batch)]
    work(live, batch)
    told = show(live, batch)
    assert (told["state"], told["rows"], told["failed"], told["progress"]) == ("SUCCEEDED", 1203, 2, 1.0)
    assert "predictions.ndjson?expires=900" in told["result_url"]
    rows = result(live, batch)
    assert [row["row"] for row in rows] == [n for n in range(1, 1204) if n not in {3, 700}]
    expected = answer_of("v1", {"distance": 1200})
    assert (rows[-4]["row"], rows[-4]["value"], rows[-4]["scores"]) == (1200, expected.value, expected.scores)
    bad = result(live, batch, "rejects")
    assert [(one["row"], one["errors"][0]["pointer"]) for one in bad] == [
        (3, "/distance"),
        (700, "/distance"),
    ]


def test_the_result_is_a_csv_on_demand_with_one_header_for_all_portions(live):
    uri = put(live, "mine.csv", csv(1203, bad={3, *range(501, 1001)}))
    batch = post(live, {"input_uri": uri, "result": "csv"}).body["id"]
    work(live, batch)
    assert "predictions.csv?expires=900" in show(live, batch)["result_url"]
    text = live.stage.data.read(f"batch/flights/{batch}/out/predictions.csv").decode()
    header, *rows = text.splitlines()
    assert header == "row,value,score_false,score_true"
    good = [n for n in range(1, 1204) if n != 3 and not 500 < n < 1001]
    assert [int(row.split(",")[0]) for row in rows] == good
    scores = answer_of("v1", {"distance": 1203}).scores or {}
    assert rows[-1] == f"1203,false,{scores['false']},{scores['true']}"
    assert len(result(live, batch, "rejects")) == 501
    assert post(live, {"input_uri": uri, "result": "parquet"}).status == 422


def test_portions_of_other_columns_are_no_table(live):
    with pytest.raises(Conflict, match="ndjson"):
        list(WRITERS["csv"].join([b"row,value\n1,2\n", b"", b"row,value,low\n2,3,1\n"]))


def test_lines_of_json_are_predicted_and_a_broken_one_is_refused_alone(live):
    lines = [
        '{"distance": 1, "carrier": "AA"}',
        "{",
        "",
        '{"distance": 2}',
        '{"distance": 3, "carrier": "UA"}',
    ]
    batch = begin(live, "\n".join(lines), "mine.ndjson")
    work(live, batch)
    assert [row["row"] for row in result(live, batch)] == [1, 4]
    assert [row["row"] for row in result(live, batch, "rejects")] == [2, 3]


def test_a_row_that_breaks_the_csv_of_a_portion_is_refused_alone(live):
    batch = begin(live, HEADER + '1,AA,,1,x\n2,"A"A,,1,x\n3,AA\n4,AA,,1,x\n')
    work(live, batch)
    assert [row["row"] for row in result(live, batch)] == [1, 4]
    assert [row["row"] for row in result(live, batch, "rejects")] == [2, 3]


def test_a_file_is_uploaded_by_a_form_and_begins_when_it_is_there(live):
    answer = post(live, {"file": "mine.csv"})
    assert (answer.status, answer.body["state"]) == (202, "UPLOADING")
    batch, key = answer.body["id"], answer.body["upload"]["fields"]["key"]
    assert answer.headers["location"] == f"/v1/batch-predictions/flights/{batch}"
    start = BATCHES + "/{id}/start"
    assert post(live, {}, start, id=batch).status == 409
    live.stage.data.write(key, csv(10).encode())
    for _ in range(2):
        assert post(live, {}, start, id=batch).body["state"] == "RUNNING"
    work(live, batch)
    assert post(live, {}, start, id=batch).body["state"] == "SUCCEEDED"
    listed = live.call("GET", BATCHES, BATCHES, {"pipeline": "flights"}).body["batches"]
    assert [one["id"] for one in listed] == [batch]


def test_a_batch_that_runs_out_of_time_goes_on_where_it_was(live):
    batch = begin(live, csv(2100, bad={1, 2100}))
    seen, progress = [], []
    while (told := show(live, batch))["state"] == "RUNNING":
        seen.append(told["rows"])
        progress.append(told["progress"])
        live.stage.begun.clear()
        batch_work.go_on(live.stage.batching)
        assert live.stage.begun == [("flights", batch)]
        work(live, batch, portions=1)
    assert seen == [0, 500, 1000, 1500, 2000, 2100]
    assert progress == sorted({0.0, *progress, 1.0})
    assert [row["row"] for row in result(live, batch)] == list(range(2, 2100))


class Crash(BaseException):
    """The process is gone."""


def outside(stage):
    """Return every method by which a batch meets the world outside."""
    owners = (
        (stage.releases, ("get", "update")),
        (stage.data, ("head", "read", "open_range", "write")),
        (stage.runtime, ("invoke",)),
    )
    return [(owner, name) for owner, names in owners for name in names]


def test_a_batch_that_crashes_at_any_call_ends_with_the_same_result(live, monkeypatch):
    text = csv(1100, bad={5})
    whole = begin(live, text)
    work(live, whole)
    batch = begin(live, text)
    crashing = Breaking(monkeypatch, outside(live.stage), Crash())
    state: dict[str, Any] = {"state": "RUNNING"}
    while state["state"] == "RUNNING":
        crashing.at, crashing.calls = crashing.at + 1, 0
        try:
            work(live, batch)
        except Crash:
            # Nobody has the lease any more once it is over.
            live.stage.clock.advance(200)
        crashing.at, at = -1, crashing.at
        state = show(live, batch)
        crashing.at = at
    assert crashing.at > 5
    crashing.at = -1
    assert (state["state"], state["rows"], state["failed"]) == ("SUCCEEDED", 1100, 1)
    for name in ("predictions", "rejects"):
        assert result(live, batch, name) == result(live, whole, name)


def test_what_is_written_over_the_input_meanwhile_changes_nothing(live):
    batch = begin(live, csv(600))
    work(live, batch, portions=1)
    put(live, "mine.csv", HEADER + "1,AA,,1,other\r\n")
    work(live, batch)
    assert [row["row"] for row in result(live, batch)] == list(range(1, 601))


def test_two_workers_of_one_batch_do_its_work_once(live):
    batch = begin(live, csv(10))
    invoke = live.stage.runtime.invoke

    def meanwhile(*args):
        live.stage.runtime.invoke = invoke
        work(live, batch)
        return invoke(*args)

    live.stage.runtime.invoke = meanwhile
    work(live, batch)
    assert show(live, batch)["rows"] == 10


def test_records_that_the_model_refuses_are_found_and_refused_alone(live, monkeypatch):
    refuse(live, monkeypatch, 7, "seven")
    batch = begin(live, csv(40))
    work(live, batch)
    assert [row["row"] for row in result(live, batch)] == [n for n in range(1, 41) if n != 7]
    assert result(live, batch, "rejects")[0]["errors"][0]["detail"] == "the model refuses it: seven"


def test_a_throttled_endpoint_is_asked_again_and_one_that_stays_away_ends_the_batch_after_half_an_hour(live):
    batch = begin(live, csv(5))
    live.stage.runtime.errors = [Unavailable("throttled"), Unavailable("throttled")]
    work(live, batch)
    assert show(live, batch)["state"] == "SUCCEEDED"
    batch = begin(live, csv(5))
    ticks = 0
    while show(live, batch)["state"] == "RUNNING":
        live.stage.runtime.errors = [BadGateway("down")]
        work(live, batch)
        live.stage.clock.advance(60)
        ticks += 1
    assert ticks == 31
    assert "down" in show(live, batch)["reason"]


def test_an_endpoint_that_a_batch_waits_for_and_that_sleeps_is_started_by_the_tick(live):
    woken: list[str] = []
    live.stage.batching = msgspec.structs.replace(live.stage.batching, wake=woken.append)
    batch = begin(live, csv(5))
    live.stage.releases.update(("flights", "current"), Change(set={"asleep_at": "2026-01-01T00:00:00Z"}))
    live.stage.monotonic += 5
    batch_work.go_on(live.stage.batching)
    assert woken == []
    live.stage.runtime.error = NotFound("not in service")
    work(live, batch)
    assert (show(live, batch)["state"], woken) == ("RUNNING", [])
    batch_work.go_on(live.stage.batching)
    assert woken == ["flights"]
    live.stage.runtime.error = None
    work(live, batch)
    assert show(live, batch)["state"] == "SUCCEEDED"


def test_an_endpoint_that_cannot_be_woken_now_holds_up_no_other_batch(live):
    def refuse_to_wake(_):
        raise Unavailable("no answer")

    live.stage.batching = msgspec.structs.replace(live.stage.batching, wake=refuse_to_wake)
    batches = [begin(live, csv(5), f"{number}.csv") for number in range(2)]
    live.stage.releases.update(("flights", "current"), Change(set={"asleep_at": "2026-01-01T00:00:00Z"}))
    live.stage.monotonic += 5
    live.stage.runtime.error = NotFound("not in service")
    for batch in batches:
        work(live, batch)
    live.stage.begun.clear()
    batch_work.go_on(live.stage.batching)
    assert sorted(live.stage.begun) == sorted(("flights", batch) for batch in batches)


def test_all_of_a_batch_is_answered_by_the_version_that_was_live_when_it_began(live):
    batch = begin(live, csv(1000))
    work(live, batch, portions=1)
    release(live, "v2", "v1")
    live.stage.monotonic += 5
    work(live, batch)
    assert show(live, batch)["model_version"] == "v1"
    assert {row["value"] for row in result(live, batch)[500:]} <= {True, False}
    assert {endpoint for endpoint, *_ in live.stage.runtime.asked if "v2" in str(endpoint)} == set()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (HEADER, "no records"),
        (HEADER + '"' + "x" * 2_000_000, "quote"),
        ("a,a\n1,2\n", "twice"),
    ],
)
def test_a_file_that_cannot_be_read_fails_with_the_reason(live, text, reason):
    batch = begin(live, text)
    work(live, batch)
    told = show(live, batch)
    if reason == "twice":
        assert (told["failed"], told["rows"]) == (1, 1)
        assert reason in result(live, batch, "rejects")[0]["errors"][0]["detail"]
    else:
        assert told["state"] == "FAILED"
        assert reason in told["reason"]


@pytest.mark.parametrize(
    "uri",
    [
        "s3://data/batch/trains/x.csv",
        "s3://data/batch/flights/../trains/x.csv",
        "s3://other/batch/flights/x.csv",
        "s3://data/datasets/flights/x.csv",
        "s3://data/batch/flights/x.exe",
    ],
)
def test_a_batch_reads_nothing_but_its_own_pipelines_batch_folder(live, uri):
    assert post(live, {"input_uri": uri}).status == 422


def test_what_a_batch_needs_and_has_not_is_told(live, rest):
    assert post(live, {}).status == 422
    assert post(live, {"file": "../x.csv"}).status == 422
    assert post(live, {"input_uri": "s3://data/batch/flights/none.csv"}).status == 404
    path = BATCHES + "/{id}"
    assert live.call("GET", path, path, {"pipeline": "flights", "id": "none"}).status == 404
    rest.stage.add_pipeline("trains")
    assert live.call("POST", BATCHES, BATCHES, {"pipeline": "trains"}, '{"file": "x.csv"}').status == 409


def test_a_record_without_an_end_is_no_record():
    class Endless:
        def readline(self, size=-1, /):
            return b"x" * size

    with pytest.raises(Unreadable):
        read_portion(Endless(), "text/csv", 0)
