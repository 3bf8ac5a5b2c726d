"""Every form of file becomes the same dataset on the deployed stage, by events alone."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import files
from tests.e2e.conftest import Pipelines
from tests.stage import Stage

TYPES = {
    "order": "integer",
    "distance_km": "number",
    "fragile": "boolean",
    "carrier": "string",
    "sent_at": "datetime",
    "zip": "string",
    "late": "string",
}
TABLES = ("windows.csv", "excel.csv", "old-mac.csv", "tabs.tsv", "lines.jsonl.gz", "rows.parquet.zst")
DEFINITION: dict[str, Any] = {"target": "late", "retrain": {"on": []}, "split": {"by": "hash"}}
OTHERS: dict[str, dict[str, Any]] = {
    "pets.zip": {"task": "image", "retrain": {"on": []}},
    "sales.csv": {
        "task": "forecasting",
        "target": "sales",
        "time": "day",
        "series": ["shop"],
        "horizon": 7,
        "retrain": {"on": []},
    },
    "taken.csv": {
        "task": "recommendation",
        "user": "user",
        "item": "item",
        "rating": "rating",
        "retrain": {"on": []},
    },
}


def pipeline_of(file: str) -> str:
    return "form-" + re.sub("[^a-z]", "-", file)


@pytest.fixture(scope="module")
def arrived(
    stage: Stage, pipelines: Pipelines, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], dict[str, Any]]:
    """Return what became of a file; all were sent at once, each to a pipeline of its own."""
    tables = files.table_files(tmp_path_factory.mktemp("files"))
    others = {"pets.zip": files.pictures(), "sales.csv": files.series(), "taken.csv": files.interactions()}
    for file, body in (tables | others).items():
        definition: dict[str, Any] = OTHERS.get(file, DEFINITION)
        if file == "windows.csv":
            definition = definition | {"data": {"encoding": "cp1252"}}
        stage.put_pipeline(pipeline_of(file), **definition)
        stage.put_object(pipeline_of(file), file, body)
    return lambda file: pipelines.settled(pipeline_of(file), file)


def profile_of(stage: Stage, file: str, version: str) -> dict[str, dict[str, Any]]:
    document = stage.get(f"/v1/datasets/{pipeline_of(file)}/{version}/profile")
    return {column["name"]: column for column in document["columns"]}


@pytest.mark.parametrize("file", TABLES)
def test_a_table_is_the_same_whatever_file_it_came_in(
    stage: Stage, arrived: Callable[[str], dict[str, Any]], file: str
) -> None:
    version = arrived(file)
    assert (version["state"], version["rows_good"]) == ("READY", files.ROWS), version
    columns = profile_of(stage, file, version["version"])
    assert {name: column["type"] for name, column in columns.items()} == TYPES
    assert columns["distance_km"]["missing"] == files.ROWS // 20
    rows = files.deliveries()
    given = [row["distance_km"] for row in rows if row["distance_km"] is not None]
    assert columns["distance_km"]["mean"] == pytest.approx(sum(given) / len(given))
    assert columns["sent_at"]["min"] == "2026-03-01T00:00:00Z"
    shown = {top["value"] for top in columns["carrier"]["top"]}
    assert shown >= {"Müller", "Société ; Fils", 'the "fast" one'}
    assert columns["zip"]["top"][0]["value"].startswith("0")


@pytest.mark.parametrize(("file", "rows"), [("pets.zip", 24), ("sales.csv", 300), ("taken.csv", 600)])
def test_what_other_tasks_learn_from_is_a_dataset_all_the_same(
    stage: Stage, arrived: Callable[[str], dict[str, Any]], file: str, rows: int
) -> None:
    version = arrived(file)
    assert (version["state"], version["rows_good"], version["rows_bad"]) == ("READY", rows, 0), version
    assert profile_of(stage, file, version["version"])


def test_what_schema_json_declares_is_enforced_and_the_bad_rows_are_shown(
    stage: Stage, pipelines: Pipelines, tmp_path: Path
) -> None:
    """`init` → a rule added by hand → `apply` → `upload` → the rejects, by command line and by REST."""
    file = tmp_path / "orders.tsv"
    file.write_bytes(files.delimited(delimiter="\t"))
    name = "declared"
    headrace(stage, tmp_path, "init", str(file), "--target", "late", "--name", name)
    schema = json.loads((tmp_path / "schema.json").read_text(encoding="utf-8"))
    next(f for f in schema["fields"] if f["name"] == "order")["constraints"] = {"minimum": 5_003}
    (tmp_path / "schema.json").write_text(json.dumps(schema), encoding="utf-8")
    with (tmp_path / "pipeline.yaml").open("a", encoding="utf-8") as text:
        text.write("retrain: {on: []}\n")
    headrace(stage, tmp_path, "apply", "pipeline.yaml")
    headrace(stage, tmp_path, "upload", name, str(file))
    version = pipelines.settled(name, file.name)
    assert (version["state"], version["rows_good"], version["rows_bad"]) == ("READY", files.ROWS - 3, 3), (
        version
    )
    first = stage.get(f"/v1/datasets/{name}/{version['version']}/rejects?limit=2")
    second = stage.get(f"/v1/datasets/{name}/{version['version']}/rejects?limit=2&cursor={first['next']}")
    assert [row["value"] for row in first["rejects"] + second["rejects"]] == ["5000", "5001", "5002"]
    shown = headrace(stage, tmp_path, "datasets", "rejects", name, "latest")
    assert "5002" in shown
    assert "minimum" in shown


def test_an_odd_file_of_semicolons_is_read_as_its_owner_means_it(stage: Stage, pipelines: Pipelines) -> None:
    """Decimal commas, a table within a value, a line of its own end, and one row with an empty cell too many."""
    lines = [f"{i};{i % 9},{i % 5};note;{'yes' if i % 3 else 'no'}" for i in range(300)]
    lines[7] = '7;7,25;"1;2;3;yes\n4;5;6;no\n";yes'
    lines[11] = "11;1,5;note;no;"
    stage.put_pipeline("odd-files", **DEFINITION, data={"key": "order_id"})
    body = "order_id;price;note;late\r\n" + "\r\n".join(lines)
    version = send(stage, pipelines, "odd-files", "odd.csv", body.encode("utf-8-sig"))
    assert (version["state"], version["rows_good"], version["rows_bad"]) == ("READY", 299, 1), version
    rejects = stage.get(f"/v1/datasets/odd-files/{version['version']}/rejects")["rejects"]
    # Row 8 has three lines, and counts as one.
    assert [(row["row"], row["rule"], row["value"]) for row in rejects] == [
        (13, "wrong number of cells", "11;1,5;note;no;")
    ]
    columns = {
        column["name"]: column
        for column in stage.get(f"/v1/datasets/odd-files/{version['version']}/profile")["columns"]
    }
    assert (columns["price"]["type"], columns["price"]["max"]) == ("number", 8.4)


def test_a_later_file_may_say_more_but_not_something_else(
    stage: Stage, pipelines: Pipelines, tmp_path: Path
) -> None:
    name = "later-files"
    stage.put_pipeline(name, **DEFINITION)
    first = files.delimited()
    send(stage, pipelines, name, "first.csv", first)
    # Whole numbers become fractions: wider, and a version of its own.
    wider = send(stage, pipelines, name, "wider.csv", re.sub(rb"(?m)^(\d+),", rb"\1.5,", first))
    assert (wider["state"], wider["alias"]) == ("READY", "d2"), wider
    renamed = send(stage, pipelines, name, "renamed.csv", first.replace(b"carrier", b"courier", 1))
    assert (renamed["state"], renamed["reason"]) == ("REJECTED", "schema_mismatch")
    assert "carrier" in renamed["detail"]
    assert "courier" in renamed["detail"]
    again = send(stage, pipelines, name, "copy.csv", first)
    assert again["duplicate_of"] == pipelines.settled(name, "first.csv")["version"]
    compared = headrace(stage, tmp_path, "datasets", "diff", name, "d1", "d2")
    assert "order" in compared
    assert "number" in compared
    # Nothing but the two wanted versions is there to train on.
    ready = [v for v in pipelines.datasets(name) if v["state"] == "READY" and not v["duplicate_of"]]
    assert {v["alias"] for v in ready} == {"d1", "d2"}


def send(stage: Stage, pipelines: Pipelines, name: str, key: str, body: bytes) -> dict[str, Any]:
    stage.put_object(name, key, body)
    return pipelines.settled(name, key)


def headrace(stage: Stage, folder: Path, *arguments: str) -> str:
    done = stage.run("headrace", *arguments, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout
