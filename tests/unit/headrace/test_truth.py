"""`headrace truth`, `metrics` and `batch`: labels out of files, figures as a table, a file sent and followed."""

import json
from pathlib import Path
from typing import Any

import pytest

from headrace.client.labels import read_labels
from headrace.failures import BadData
from tests.unit.headrace.conftest import Run
from tests.unit.headrace.fake_stage import FakeStage, ok

TRUTH = "POST /ground-truth/flights"
BATCH = "/batch-predictions/flights"


def result(name: str, word: str = "joined", **more: Any) -> dict[str, Any]:
    return {"id": name, "result": word, **more}


@pytest.mark.parametrize(
    ("text", "suffix"),
    [
        ("id,value,observed_at,note\na-0,1.5,2026-01-01T00:00:00Z,x\nb-0,late,,\n", ".csv"),
        (
            '{"id":"a-0","value":1.5,"observed_at":"2026-01-01T00:00:00Z"}\n{"id":"b-0","value":"late"}\n',
            ".ndjson",
        ),
        (
            '{"labels":[{"id":"a-0","value":1.5,"observed_at":"2026-01-01T00:00:00Z"},{"id":"b-0","value":"late"}]}',
            ".json",
        ),
    ],
)
def test_labels_are_read_from_csv_ndjson_and_json_alike(text: str, suffix: str) -> None:
    assert read_labels(text.encode(), suffix) == [
        {"id": "a-0", "value": 1.5, "observed_at": "2026-01-01T00:00:00Z"},
        {"id": "b-0", "value": "late"},
    ]


def test_a_label_without_a_value_is_named() -> None:
    with pytest.raises(BadData, match="label 2 has no value"):
        read_labels(b"id,value\na-0,1\nb-0,\n", ".csv")


def test_many_labels_go_in_several_requests_and_those_not_taken_are_shown(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "truth.csv"
    file.write_text("id,value\n" + "".join(f"r-{n},1\n" for n in range(1500)))
    answers = [
        ok({"results": [result(f"r-{n}") for n in range(1000)]}),
        ok(
            {
                "results": [
                    *(result(f"r-{n}") for n in range(1000, 1499)),
                    result("r-1499", "invalid", detail="no"),
                ]
            }
        ),
    ]
    fake = FakeStage({TRUTH: answers})
    done = run(fake, "-o", "json", "truth", "flights", str(file))
    assert done.exit_code == 0, done.stderr
    assert [len(json.loads(body)["labels"]) for body in fake.asked(TRUTH)] == [1000, 500]
    assert "1,499 joined, 1 invalid" in done.stderr
    assert "r-1499" in done.stdout
    assert "r-1498" not in done.stdout


def test_metrics_show_the_quality_that_is_known(run: Run) -> None:
    version = {
        "model_version": "v2",
        "requests": 7,
        "rows": 9,
        "errors": 0,
        "error_rate": 0.0,
        "latency_ms": {"p50": 12.0, "p95": 30.0, "p99": 31.0},
        "labelled": 4,
        "mae": 0.25,
    }
    answer = {"pipeline": "flights", "since": "a", "until": "b", "versions": [version]}
    done = run(FakeStage({"GET /endpoints/flights/metrics": answer}), "metrics", "flights")
    assert done.exit_code == 0, done.stderr
    assert "MAE" in done.stdout
    assert "ACCURACY" not in done.stdout


def test_drift_is_told_by_loss_answers_and_columns_with_the_verdict_beside_it(run: Run) -> None:
    told = {
        "pipeline": "flights",
        "model_version": "v3",
        "since": "a",
        "until": "b",
        "rows": 812,
        "alarm": True,
        "because": "log_loss: 0.57 promised, at least 0.7 expected of 812 rows",
        "limit": 0.2,
        "loss": {"metric": "log_loss", "promised": 0.57, "rows": 812, "estimated": 0.75},
        "answers": {"psi": 0.3, "classes": [{"name": "yes", "trained": 0.2, "answered": 0.4}]},
        "columns": [{"name": "distance", "psi": 0.31, "drifted": True}],
        "notes": ["a note"],
    }
    fake = FakeStage({"GET /endpoints/flights/drift": told})
    done = run(fake, "-o", "json", "drift", "flights")
    assert done.exit_code == 0, done.stderr
    assert ("ALARM: log_loss: 0.57" in done.stderr, "a note" in done.stderr) == (True, True)
    rows = {row["what"]: row for row in json.loads(done.stdout)}
    assert rows["log_loss estimated over 812 rows"]["now"] == 0.75
    assert (rows["answers"]["drifted"], rows["answers of yes"]["now"]) == (True, 0.4)
    assert rows["column distance"]["psi"] == 0.31
    nothing = {"model_version": None, "alarm": False, "because": "nothing is live", "limit": 0.2}
    empty = FakeStage({"GET /endpoints/flights/drift": nothing | {"since": "a", "until": "a", "rows": 0}})
    assert run(empty, "drift", "flights").exit_code == 0


@pytest.mark.parametrize(("state", "code"), [("SUCCEEDED", 0), ("FAILED", 1), ("STOPPED", 1)])
def test_a_file_is_sent_begun_and_followed_to_its_end(
    run: Run, tmp_path: Path, state: str, code: int
) -> None:
    file = tmp_path / "my orders.csv"
    file.write_text("a\n1\n")
    plain = {"id": "b1", "rows": 0, "progress": 0.0}
    form = {"url": "http://127.0.0.1:4577/v1/store", "fields": {"key": "k"}}
    fake = FakeStage(
        {
            f"POST {BATCH}": ok({**plain, "state": "UPLOADING", "upload": form}, 202),
            "POST /store": ok({}, 204),
            f"POST {BATCH}/b1/start": ok({**plain, "state": "RUNNING"}, 202),
            f"GET {BATCH}/b1": [
                {**plain, "state": "RUNNING"},
                {**plain, "state": "RUNNING", "waits_for": "an instance"},
                {**plain, "state": "STOPPING", "transform_job": "j"},
                {**plain, "state": state, "reason": "why"},
            ],
        }
    )
    done = run(fake, "batch", "flights", str(file), "--watch")
    assert done.exit_code == code, done.stderr
    assert json.loads(fake.asked(f"POST {BATCH}")[0]) == {"file": "input.csv", "result": "ndjson"}
    assert b"a\n1\n" in fake.asked("POST /store")[0]
    assert {"FAILED": "why", "STOPPED": "b1 was stopped"}.get(state, "") in done.stderr


def test_a_batch_is_stopped_by_its_id_and_not_beside_a_file(run: Run, tmp_path: Path) -> None:
    fake = FakeStage({f"POST {BATCH}/b1/stop": ok({"id": "b1", "state": "STOPPING"}, 202)})
    done = run(fake, "-o", "json", "batch", "flights", "--stop", "b1")
    assert (done.exit_code, json.loads(done.stdout)["state"]) == (0, "STOPPING")
    file = tmp_path / "a.csv"
    file.write_text("a\n1\n")
    assert run(fake, "batch", "flights", str(file), "--stop", "b1").exit_code == 2
    assert run(fake, "batch", "flights").exit_code == 2
