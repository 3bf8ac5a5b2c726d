"""Sides that never move, bounds that never overlap, profiles that are true."""

import statistics

import msgspec
import pytest
from chalicelib.ingest.split import bucket

from shared.entities.dataset import DatasetState


def timed(count: int, start: int = 0, same: int = 1) -> bytes:
    rows = [
        f"2026-01-{1 + i // same // 24 % 28:02d}T{i // same % 24:02d}:00:00Z,{i},{'true' if i % 2 else 'false'}\n"
        for i in range(start, start + count)
    ]
    return ("at,id,late\n" + "".join(rows)).encode()


def by_time(world):
    world.define(data={"time": "at"}, split={"by": "time"})


def test_the_newest_rows_judge_and_those_before_them_tune(world, tmp_path):
    by_time(world)
    row = world.upload(timed(500))
    train, validation, test = (world.rows(row, side, tmp_path) for side in ("train", "validation", "test"))
    assert (len(train), len(validation), len(test)) == (350, 50, 100)
    assert max(r[0] for r in train) < min(r[0] for r in validation)
    assert max(r[0] for r in validation) < min(r[0] for r in test)
    bounds = world.manifest(row).split.bounds
    assert bounds["test"].last == world.manifest(row).time.last
    assert bounds["train"].first == world.manifest(row).time.first


def test_a_random_split_of_rows_with_times_of_day_must_be_asked_for_by_name(world, tmp_path):
    world.define(split={})
    row = world.upload(timed(200))
    assert (row.state, row.reason) == (DatasetState.REJECTED, "time_not_named")
    assert "data.time: at" in row.detail
    assert "split.by: hash" in row.detail
    world.define(split={"by": "hash"})
    row = world.upload(timed(200))
    assert (row.state, world.manifest(row).split.by) == (DatasetState.READY, "hash")


@pytest.mark.parametrize("data", [{"time": "at"}, {"drop": ["at"]}])
def test_times_that_are_named_or_dropped_are_no_reason_to_refuse(world, data):
    world.define(data=data, split={})
    row = world.upload(timed(200))
    assert row.state is DatasetState.READY
    assert world.manifest(row).split.by == ("time" if "time" in data else "hash")


def test_days_are_not_taken_for_the_time_of_a_row(world):
    world.define(split={})
    row = world.upload(b"born,late\n" + b"".join(b"19%02d-05-17,%d\n" % (i, i % 2) for i in range(99)))
    assert (row.state, world.manifest(row).split.by) == (DatasetState.READY, "hash")


def test_rows_of_equal_time_stay_on_one_side(world, tmp_path):
    by_time(world)
    row = world.upload(timed(500, same=37))
    sides = [{r[0] for r in world.rows(row, part.side, tmp_path)} for part in world.manifest(row).parts]
    assert sum(len(times) for times in sides) == len(set().union(*sides))


def test_a_row_without_a_time_is_quarantined_when_the_split_needs_it(world):
    by_time(world)
    row = world.upload(timed(300) + b",7,true\n")
    assert [reject["rule"] for reject in world.rejects(row)] == ["time missing"]


def test_all_rows_at_one_time_are_too_few_to_split(world):
    by_time(world)
    assert world.upload(timed(100, same=1000)).reason == "too_few_rows"


def test_a_row_keeps_its_side_in_every_version_and_every_tool(world, csv, tmp_path):
    first = world.upload(csv())
    second = world.upload(csv(rows=400, start=100), "more.csv")
    for side in ("train", "validation", "test"):
        ids = [{r[0] for r in world.rows(row, side, tmp_path)} for row in (first, second)]
        shared = set(range(100, 200))
        assert ids[0] & shared == ids[1] & shared
    test = {r[0] for r in world.rows(first, "test", tmp_path)}
    cells = [
        (f"{i}", f"{i * 7 % 1000 + 0.5}", "AA" if i % 3 else "UA", "true" if i % 4 == 0 else "false")
        for i in range(200)
    ]
    # carrier, distance, id, late: in the order of names, so that the header's order is no matter
    assert test == {int(c[0]) for c in cells if bucket([c[2], c[1], c[0], c[3]], 42) < 2000}


def test_the_hash_is_md5_and_so_the_same_for_ever():
    assert bucket(["AA", None, "7"], 42) == 1432


def test_equal_rows_and_equal_keys_share_a_side(world, tmp_path):
    world.define(data={"key": "id"}, split={"by": "hash"})
    body = "id,x,late\n" + "".join(f"{i % 60},{i}.5,{'true' if i % 2 else 'false'}\n" for i in range(600))
    row = world.upload(body.encode())
    sides = [{r[0] for r in world.rows(row, part.side, tmp_path)} for part in world.manifest(row).parts]
    assert sum(len(ids) for ids in sides) == 60


def test_a_group_is_never_torn(world, tmp_path):
    world.define(split={"by": "group(carrier)"})
    body = "id,carrier,late\n" + "".join(
        f"{i},c{i % 40},{'true' if i % 2 else 'false'}\n" for i in range(800)
    )
    row = world.upload(body.encode())
    sides = [{r[1] for r in world.rows(row, part.side, tmp_path)} for part in world.manifest(row).parts]
    assert sum(len(groups) for groups in sides) == 40
    assert world.manifest(row).split.by == "group(carrier)"


def test_a_group_column_that_is_missing_is_told(world, csv):
    world.define(split={"by": "group(airport)"})
    row = world.upload(csv())
    assert row.reason == "missing_column"
    assert "group 'airport'" in row.detail


def test_the_manifest_accounts_for_every_row_and_every_byte(world, csv):
    row = world.upload(csv() + b"1,2\n")
    manifest = world.manifest(row)
    assert (manifest.rows.read, manifest.rows.good, manifest.rows.bad) == (201, 200, 1)
    assert sum(part.rows for part in manifest.parts) == 200 == sum(manifest.split.rows.values())
    for part in manifest.parts:
        assert len(world.data.read(part.key)) == part.size_bytes
    assert manifest.raw.size_bytes == len(csv()) + 4
    assert msgspec.json.decode(world.file(row, "schema.json")) == manifest.schema


def test_the_same_upload_gives_the_same_bytes_in_every_attempt(world, csv):
    body = csv(rows=70_000)
    upload = world.put(body)
    row = world.handle(upload)
    before = {key: history[-1][1] for key, history in world.data.versions.items()}
    world.data.versions.clear()
    world.datasets.rows.clear()
    assert world.handle(upload).version == row.version
    assert {key: history[-1][1] for key, history in world.data.versions.items()} == before


def test_the_profile_tells_the_truth_about_each_column(world, csv):
    row = world.upload(csv(rows=1000) + b",,,true\n")
    profile = msgspec.json.decode(world.file(row, "profile.json"))
    assert profile["row_count"] == 1001
    columns = {column["name"]: column for column in profile["columns"]}
    values = [i * 7 % 1000 + 0.5 for i in range(1000)]
    distance = columns["distance"]
    assert (distance["count"], distance["missing"]) == (1000, 1)
    assert (distance["min"], distance["max"]) == (min(values), max(values))
    assert distance["mean"] == pytest.approx(statistics.fmean(values))
    assert distance["std"] == pytest.approx(statistics.stdev(values))
    assert distance["quantiles"]["50%"] == pytest.approx(500, abs=10)
    assert distance["distinct"] == pytest.approx(1000, rel=0.1)
    assert sum(distance["histogram"]["counts"]) == 1000
    assert len(distance["histogram"]["edges"]) == 11
    assert columns["carrier"]["top"] == [{"value": "AA", "count": 666}, {"value": "UA", "count": 334}]
    assert columns["late"]["top"][0] == {"value": "false", "count": 750}


def test_a_constant_column_fills_one_bin(world):
    body = "id,one,none,late\n" + "".join(f"{i},5,,{'true' if i % 2 else 'false'}\n" for i in range(100))
    row = world.upload(body.encode())
    columns = {c["name"]: c for c in msgspec.json.decode(world.file(row, "profile.json"))["columns"]}
    assert columns["one"]["histogram"]["counts"] == [100] + [0] * 9
    assert columns["one"]["std"] == 0
    assert (columns["none"]["missing"], columns["none"]["distinct"]) == (100, 0)
