"""The first six defects of the workshop Headrace grew out of, each on the deployed stage."""

import gzip
import io
import json
from typing import Any

import duckdb
import pytest

from tests.e2e.conftest import Pipelines
from tests.e2e.data import deliveries
from tests.stage import Stage, eventually

DATA = "headrace-local-000000000000-data"


@pytest.fixture(scope="module")
def ingest_only(pipelines: Pipelines) -> str:
    """A pipeline that trains nothing."""
    return pipelines.create("workshop", retrain={"on": []}, data={"max_bad": "10%"}, split={"by": "hash"})


def manifest(stage: Stage, pipeline: str, version: dict[str, Any]) -> dict[str, Any]:
    """Return a dataset version's manifest."""
    key = f"datasets/{pipeline}/{version['version']}/manifest.json"
    found: dict[str, Any] = json.loads(stage.aws("s3").get_object(Bucket=DATA, Key=key)["Body"].read())
    return found


def test_1_a_space_in_a_key_is_just_a_character(stage: Stage, pipelines: Pipelines, ingest_only: str) -> None:
    name = "my file + more (1) é.csv"
    stage.put_object(ingest_only, name, deliveries(11))
    assert pipelines.settled(ingest_only, name)["state"] == "READY"


def test_2_two_uploads_of_one_name_are_two_versions(stage: Stage, pipelines: Pipelines) -> None:
    name = pipelines.create("same-name", retrain={"on": []})
    for seed in (12, 13):
        stage.put_object(name, "data.csv", deliveries(seed))
        pipelines.settled(name, "data.csv")
    assert eventually(lambda: [v["state"] for v in pipelines.datasets(name)] == ["READY", "READY"])


def test_3_a_row_with_one_empty_cell_does_not_vanish(
    stage: Stage, pipelines: Pipelines, ingest_only: str
) -> None:
    body = deliveries(14, rows=200)
    empty_cells = sum(b",," in line for line in body.splitlines())
    assert empty_cells > 0
    stage.put_object(ingest_only, "holes.csv", body)
    version = pipelines.settled(ingest_only, "holes.csv")
    assert (version["state"], version["rows_good"], version["rows_bad"]) == ("READY", 200, 0)


def test_4_a_wrong_type_is_quarantined_with_its_place(
    stage: Stage, pipelines: Pipelines, ingest_only: str
) -> None:
    stage.put_object(ingest_only, "first.csv", deliveries(15, rows=300))
    pipelines.settled(ingest_only, "first.csv")
    lines = deliveries(16, rows=300).splitlines()
    cells = lines[150].split(b",")
    lines[150] = b",".join([cells[0], b"far away", *cells[2:]])
    stage.put_object(ingest_only, "typed.csv", b"\n".join(lines))
    version = pipelines.settled(ingest_only, "typed.csv")
    assert (version["state"], version["rows_good"], version["rows_bad"]) == ("READY", 299, 1)
    (reject,) = stage.get(f"/v1/datasets/{ingest_only}/{version['version']}/rejects")["rejects"]
    assert (reject["row"], reject["column"], reject["value"]) == (151, "distance_km", "far away")


def test_5_a_file_that_is_not_text_is_refused_not_crashed(
    stage: Stage, pipelines: Pipelines, ingest_only: str
) -> None:
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb") as packed:
        packed.write(deliveries(17))
    stage.put_object(ingest_only, "really-gzip.csv", buffer.getvalue())
    version = pipelines.settled(ingest_only, "really-gzip.csv")
    assert version["state"] == "REJECTED"
    assert version["reason"] == "wrong_content"


def test_6_every_row_is_on_exactly_one_side_of_the_split(
    stage: Stage, pipelines: Pipelines, ingest_only: str, tmp_path: Any
) -> None:
    stage.put_object(ingest_only, "split.csv", deliveries(18, rows=1000))
    written = manifest(stage, ingest_only, pipelines.settled(ingest_only, "split.csv"))
    sides: dict[str, set[str]] = {}
    for part in written["parts"]:
        path = tmp_path / part["key"].replace("/", "_")
        path.write_bytes(stage.aws("s3").get_object(Bucket=DATA, Key=part["key"])["Body"].read())
        rows = duckdb.connect().execute("select order_id from read_parquet(?)", [str(path)]).fetchall()
        sides.setdefault(part["side"], set()).update(row[0] for row in rows)
    assert set(sides) == {"train", "validation", "test"}
    assert sum(len(ids) for ids in sides.values()) == len(set().union(*sides.values())) == 1000
    assert 120 <= len(sides["test"]) <= 280
