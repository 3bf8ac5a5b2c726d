"""Rows that are lost come back from what is written once in S3, and the stage goes on as if nothing had been."""

import json
from collections.abc import Callable
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from tests.e2e.data import RECORD, TICK
from tests.e2e.faulty import RECONCILERS
from tests.stage import Stage, eventually
from tests.unit.infra.test_rebuilt_rows import UNKNOWN

KEYS = {"datasets": ("pipeline", "version"), "models": ("pipeline", "version"), "jobs": ("job_id",)}
# How often a version was tried, and by whom, is not in its manifest.
UNTOLD = UNKNOWN | {"attempt", "attention", "reasons"}
_read = TypeDeserializer().deserialize
Rows = dict[str, dict[str, Any]]


def rows(stage: Stage, table: str) -> dict[str, dict[str, Any]]:
    """Return every row of a table by its key."""
    found = {}
    for page in stage.aws("dynamodb").get_paginator("scan").paginate(TableName=f"headrace-local-{table}"):
        for item in page["Items"]:
            row = {name: _read(value) for name, value in item.items()}
            found["/".join(str(row[key]) for key in KEYS[table])] = row
    return found


def lose(stage: Stage, pipeline: str) -> dict[str, Rows]:
    """Delete what the three tables hold of a pipeline; return what it was."""
    lost: dict[str, Rows] = {}
    for table, keys in KEYS.items():
        lost[table] = {
            place: row
            for place, row in rows(stage, table).items()
            if pipeline in (row.get("pipeline"), row.get("version")) or f"#{pipeline}" in place
        }
        for row in lost[table].values():
            stage.aws("dynamodb").delete_item(
                TableName=f"headrace-local-{table}", Key={key: {"S": str(row[key])} for key in keys}
            )
    return lost


def is_told(row: dict[str, Any]) -> bool:
    """Say whether a document tells of the row at all: of what ended without a result none does."""
    if "input_sha256" in row:
        return row["state"] == "SUCCEEDED" and "number" in row
    return "artifact_uri" in row or row.get("state") not in {"REJECTED", "FAILED"}


def told(found: Rows) -> Rows:
    """Return rows without what no document tells, and without what is empty."""
    return {
        place: {
            name: json.loads(json.dumps(value, default=str))
            for name, value in row.items()
            if name not in UNTOLD and value not in ([], "", 0, None)
        }
        for place, row in found.items()
    }


def test_lost_tables_come_back_and_nothing_is_trained_again(
    stage: Stage, released: Callable[[], str], figure: Callable[[str, object], None]
) -> None:
    name = released()
    _, _, served = stage.request("POST", f"/v1/predictions/{name}", {"records": [RECORD]})
    lost = lose(stage, name)
    assert min(len(found) for found in lost.values()) >= 3
    assert stage.get(f"/v1/datasets/{name}")["versions"] == []
    for _ in range(2):
        done = stage.headrace("rebuild", "-o", "json")
        assert done.returncode == 0, done.stderr
    assert {one["written"] for one in json.loads(done.stdout)} == {0}
    back = 0
    for table, all_before in lost.items():
        before = {place: row for place, row in all_before.items() if is_told(row)}
        now = {place: row for place, row in rows(stage, table).items() if place in before}
        assert told(now) == told(before), table
        back += len(before)

    jobs = {job["job_id"] for job in stage.get(f"/v1/training-jobs?pipeline={name}")["jobs"]}
    for function in RECONCILERS:
        done = stage.aws("lambda").invoke(FunctionName=function, Payload=TICK)
        assert "FunctionError" not in done
    assert {job["job_id"] for job in stage.get(f"/v1/training-jobs?pipeline={name}")["jobs"]} == jobs
    status, _, answer = eventually(
        lambda: stage.request("POST", f"/v1/predictions/{name}", {"records": [RECORD]})
    )
    assert (status, answer["model_version"]) == (200, served["model_version"])
    assert [
        check for check in stage.get(f"/v1/models/{name}/v2/lineage")["checks"] if not check["holds"]
    ] == []
    every = sum(len(found) for found in lost.values())
    figure(
        "rows lost and rebuilt as they were; without a document that tells of them",
        f"{back} of {every}; {every - back}",
    )
