"""What people send stays where it is said to stay, and cannot forge a line of the log."""

import fnmatch
import json
from collections.abc import Iterator

import pytest

from tests.attack_report import Attacks
from tests.e2e.conftest import Pipelines
from tests.e2e.data import DEFINITION
from tests.security.canary import (
    FORGED,
    INJECTION,
    Overheard,
    Sighting,
    dead_letters,
    log_events,
    marked_deliveries,
    marker,
    metrics,
    rows,
    sagemaker,
    sightings,
)
from tests.stage import Stage, eventually

NAME = "canary"
# Where a field may be seen, and why: what an operator must be able to read of it. Patterns of `field: place`.
DOCUMENTED = {
    "file: row datasets.key": "which file a dataset version was made of",
    "file: event of aws.s3": "S3's own event names the object",
    "cell: row models.inputs": "the categories that a request may name are part of the model's inputs",
    "label: row predictions.value": "a label is kept beside its prediction, as it was told",
    "column: row *": "names of columns are the schema: the gate, the signature and the reasons name them",
}
HEADERS = {
    "User-Agent": marker("agent"),
    "X-Forwarded-For": marker("forwarded"),
    "Cookie": f"session={marker('cookie')}",
    "X-Request-Id": marker("requestid"),
    "X-Custom": marker("custom"),
}


@pytest.fixture(scope="module")
def sent(stage: Stage) -> Iterator[Overheard]:
    """Send every marker once: an upload that becomes a live model, predictions, labels, refusals."""
    overheard = Overheard(stage)
    pipelines = Pipelines(stage)
    pipelines.create(NAME, **(DEFINITION | {"monitor": {"inputs": "hash"}}))
    stage.put_object(NAME, f"{marker('file')}.csv", marked_deliveries(71))
    pipelines.live(NAME, "v1")
    predict(stage)
    refuse(stage)
    decide(stage)
    yield overheard
    overheard.close()


def predict(stage: Stage) -> None:
    """Ask for predictions, well and badly, and tell what came true."""
    good = {"distance_km": 80.0, "hour": 17, "carrier": marker("record"), marker("column"): "no"}
    bodies = [
        {"records": [good], "routing_key": marker("routing") + INJECTION},
        {"records": [{**good, marker("unknown"): INJECTION}]},
        {"records": [{**good, "hour": marker("wrongtype") + INJECTION}]},
    ]
    answers = [stage.request("POST", f"/v1/predictions/{NAME}", body, **HEADERS) for body in bodies]
    assert [status for status, _, _ in answers] == [200, 422, 422], answers
    prediction = answers[0][2]["predictions"][0]["id"]
    stage.recorded(NAME, prediction)
    labels = [{"id": prediction, "value": 1}, {"id": marker("labelid") + INJECTION, "value": 0}]
    labels.append({"id": prediction, "value": marker("label") + INJECTION})
    for label in labels:
        stage.request("POST", f"/v1/ground-truth/{NAME}", {"labels": [label]}, **HEADERS)


def refuse(stage: Stage) -> None:
    """Send what is refused: a wrong token, a body that is no JSON, paths and queries that name nothing."""
    stage.request("GET", "/v1/pipelines", Authorization=f"Bearer hr_{marker('token')}{'x' * 30}")
    stage.request("POST", f"/v1/predictions/{NAME}", b'{"' + marker("broken").encode() + b"\n\x1b[31m")
    stage.request("GET", f"/v1/models/{marker('path')}/v1")
    stage.request("GET", f"/v1/training-jobs?cursor={marker('cursor')}%0A%1B%5B31m")
    stage.request("PUT", "/v1/pipelines/refused", {"name": "refused", "task": marker("task") + INJECTION})
    stage.request("POST", "/v2/models/canary/infer", {"id": marker("oipid") + INJECTION, "inputs": []})
    key = {"Idempotency-Key": marker("idempotency")}
    stage.request("POST", "/v1/training-jobs", {"pipeline": marker("jobof")}, **key)


def decide(stage: Stage) -> None:
    """Give reasons for what cannot be done."""
    for path in (f"/v1/endpoints/{NAME}/rollback", f"/v1/models/{NAME}/v1/reject"):
        stage.request("POST", path, {"reason": marker("reason") + INJECTION})


def at_rest(stage: Stage) -> bool:
    """Say whether no asynchronous run is under way: all is logged that will be."""
    health = stage.get("/_localcloud/health")
    return bool(health["async_queue_depth"] == health["async_running"] == 0)


def test_what_people_send_is_seen_nowhere_but_where_it_is_documented(
    stage: Stage, sent: Overheard, attacks: Attacks
) -> None:
    eventually(lambda: at_rest(stage), within_s=60)
    unknown: set[Sighting] = set()
    for kind, texts in searched(stage, sent).items():
        for where, text in texts:
            seen = sightings([(where, text)])
            undocumented = {one for one in seen if not is_documented(one)}
            told = "where it is documented" if seen else "no marker in it"
            attacks.note(kind, "leaks" if undocumented else told, wrong=bool(undocumented))
            unknown |= undocumented
    # As text, so that a failure shows all of them.
    assert "\n".join(f"{one.field}: {one.where}" for one in sorted(unknown)) == ""


def searched(stage: Stage, sent: Overheard) -> dict[str, Iterator[tuple[str, str]]]:
    """Return every text that may hold a marker, with its place, by kind of place."""
    return {
        "lines of logs": log_events(stage),
        "metrics and their dimensions": metrics(stage),
        "attributes of rows": rows(stage),
        "dead letters": dead_letters(stage),
        "descriptions of jobs and endpoints": sagemaker(stage, NAME),
        "events on the bus": sent.texts(),
    }


def is_documented(sighting: Sighting) -> bool:
    """Say whether the place is one of DOCUMENTED."""
    told = f"{sighting.field}: {sighting.where}"
    return any(fnmatch.fnmatchcase(told, known) for known in DOCUMENTED)


def test_no_text_of_a_person_makes_a_line_of_the_log_or_reaches_a_terminal(
    stage: Stage, sent: Overheard, attacks: Attacks
) -> None:
    wrong = []
    for group, message in log_events(stage):
        fault = fault_of(group, message)
        sent_by_us = "with a text of ours in it" if "zq" in message else "without"
        attacks.note("lines of logs, after forged ones were sent", fault or sent_by_us, wrong=bool(fault))
        wrong += [(fault, message)] if fault else []
    assert wrong == []
    shown = stage.headrace("logs", "--since", "1h")
    assert "\x1b" not in shown.stdout
    assert not [line for line in shown.stdout.splitlines() if line.startswith(FORGED[:20])]


def fault_of(group: str, message: str) -> str | None:
    """Return what an event of the log does that none may, None if nothing."""
    lines = [line.strip() for line in message.splitlines()]
    if any(line.startswith(FORGED[:20]) and "zqforged" in line[:90] for line in lines):
        return "forged"
    if "\x1b" in message:
        return "reaches the terminal"
    is_ours = "/aws/lambda/headrace-" in group and message.startswith("{")
    return "no JSON" if is_ours and not is_json(message) else None


def is_json(text: str) -> bool:
    """Say whether a text is one JSON value."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
