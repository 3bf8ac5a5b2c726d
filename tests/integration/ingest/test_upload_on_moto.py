"""The ingest service's adapters against moto's S3, DynamoDB and EventBridge: what the fakes only promise."""

import logging
from pathlib import Path
from typing import Any

import boto3
import duckdb
import msgspec
import pytest
from chalicelib.ingest.adapters import Adapters
from chalicelib.ingest.build import build
from chalicelib.ingest.catalog import Catalog
from chalicelib.ingest.dataset_files import DatasetFiles
from chalicelib.ingest.engine import open_scratch
from chalicelib.ingest.formats.reader import Limits
from chalicelib.ingest.keys import Upload
from chalicelib.ingest.leases import LEASE, renewing
from chalicelib.ingest.pipelines import PipelineStore
from chalicelib.ingest.processing.job_files import JobFiles
from chalicelib.ingest.processing.plan import raw_key
from chalicelib.ingest.raw_objects import RawObjects
from chalicelib.ingest.reconcile import reconcile
from chalicelib.ingest.workflow import handle_upload
from moto import mock_aws

from shared.bus import Bus
from shared.entities.dataset import DatasetManifest, DatasetState
from shared.entities.pipeline import PipelineDefinition
from shared.errors import ConditionFailed, PreconditionFailed, Unavailable
from shared.objects import Bucket
from shared.parsing import convert
from shared.tables import Table
from tests import clouds
from tests.fakes import FakeBucket, FakeClock
from tests.unit.ingest.fake_jobs import FakeJobs
from tests.unit.ingest.world import PLACE

FLIGHTS = Path(__file__).resolve().parents[3] / "examples" / "flights" / "2013-01.csv"
DEFINITION = {
    "name": "flights",
    "task": "classification",
    "target": "late",
    "data": {"time": "departed_at"},
    "split": {"by": "time"},
}


@pytest.fixture
def adapters(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
        for bucket in ("incoming", "data"):
            s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket="incoming", VersioningConfiguration={"Status": "Enabled"})
        _create_table(dynamodb, "datasets", ("pipeline", "version"), ("attention", "updated_at"))
        _create_table(dynamodb, "pipelines", ("kind", "pipeline"))
        made = Adapters(
            raw=RawObjects(Bucket(clouds.s3(), "incoming")),
            files=DatasetFiles(Bucket(clouds.s3(), "data")),
            catalog=Catalog(Table(clouds.dynamodb(), "datasets", "pipeline", "version")),
            jobs=FakeJobs(FakeBucket("data")),
            job_files=JobFiles(Bucket(clouds.s3(), "data"), Bucket(clouds.s3(), "incoming")),
            place=PLACE,
            pipelines=PipelineStore(Table(clouds.dynamodb(), "pipelines", "kind", "pipeline")),
            bus=Bus(clouds.event_bridge(), "local"),
            clock=FakeClock(),
            open_scratch=open_scratch,
            build=build,
            renewing=renewing,
            measure=lambda row, seconds: None,
            log=logging.getLogger("test"),
            limits=Limits(max_bytes=1 << 30, hard_max_bytes=1 << 40),
            disk_bytes=400_000_000,
            code_version="test",
        )
        made.pipelines.put("flights", defined(), made.clock())
        yield made


def _create_table(dynamodb, name, keys, index=None):
    attributes = {*keys, *(index or ())}
    further = {}
    if index:
        further["GlobalSecondaryIndexes"] = [
            {"IndexName": "attention", "KeySchema": _schema(index), "Projection": {"ProjectionType": "ALL"}}
        ]
    dynamodb.create_table(
        TableName=name,
        KeySchema=_schema(keys),
        AttributeDefinitions=[{"AttributeName": a, "AttributeType": "S"} for a in attributes],
        BillingMode="PAY_PER_REQUEST",
        **further,
    )


def _schema(keys):
    return [{"AttributeName": k, "KeyType": t} for k, t in zip(keys, ("HASH", "RANGE"), strict=True)]


def put(body, name="jan 2013+é.csv"):
    key = f"incoming/flights/{name}"
    answer = boto3.client("s3").put_object(Bucket="incoming", Key=key, Body=body)
    return Upload(bucket="incoming", key=key, version_id=answer["VersionId"], size_bytes=len(body))


def ingest(upload, owner, adapters):
    """Handle the event of *upload* and return the row, which a file (no folder) always gets."""
    row = handle_upload(upload, owner, adapters)
    assert row is not None
    return row


def defined(**change):
    kind: Any = PipelineDefinition  # a union: a form that mypy does not take for a type
    return convert(DEFINITION | change, kind)


def test_a_month_of_flights_becomes_parts_that_the_manifest_accounts_for(adapters, tmp_path):
    row = ingest(put(FLIGHTS.read_bytes()), "request", adapters)
    assert (row.state, row.rows_bad) == (DatasetState.READY, 0)
    manifest = adapters.files.manifest("flights", row.version)
    assert manifest.rows.read == FLIGHTS.read_bytes().count(b"\n") - 1
    for part in manifest.parts:
        path = tmp_path / f"{part.side}.parquet"
        path.write_bytes(boto3.client("s3").get_object(Bucket="data", Key=part.key)["Body"].read())
        with duckdb.connect() as connection:
            counted = connection.execute(f"SELECT count(*) FROM read_parquet('{path}')").fetchall()
        assert counted == [(part.rows,)]
    assert adapters.catalog.needing_attention(10) == []


def test_the_same_event_twice_and_a_replaced_object_make_two_versions(adapters):
    first = put(FLIGHTS.read_bytes())
    second = put(FLIGHTS.read_bytes().replace(b"UA", b"XX"))
    for upload in (first, second, first, second):
        ingest(upload, "request", adapters)
    rows = adapters.catalog.read.versions("flights")
    assert [(row.ordinal, row.state, row.attempt) for row in rows] == [
        (1, DatasetState.READY, 1),
        (2, DatasetState.READY, 1),
    ]


def test_a_duplicate_never_takes_the_content_from_its_first_holder(adapters):
    first = ingest(put(FLIGHTS.read_bytes(), "a.csv"), "a", adapters)
    again = ingest(put(FLIGHTS.read_bytes(), "b.csv"), "b", adapters)
    assert again.duplicate_of == first.version
    assert adapters.catalog.holder("flights", first.content_sha256).version == first.version


def test_only_one_of_two_claims_wins_and_the_loser_cannot_finish(adapters):
    row = adapters.catalog.receive(put(b"x"), adapters.clock())
    mine = adapters.catalog.claim(row, "a", adapters.clock(), LEASE)
    assert adapters.catalog.claim(row, "b", adapters.clock(), LEASE) is None
    adapters.clock.advance(3600)
    assert adapters.catalog.claim(row, "b", adapters.clock(), LEASE).attempt == 2
    with pytest.raises(ConditionFailed):
        adapters.catalog.finish_rejected(mine, ("empty_file", "x"), {}, adapters.clock())


def test_the_tick_finds_an_open_row_by_the_index_and_finishes_it(adapters):
    adapters.catalog.receive(put(FLIGHTS.read_bytes()), adapters.clock())
    adapters.clock.advance(120)
    assert reconcile("tick", adapters) == 1
    assert adapters.catalog.read.versions("flights")[0].state is DatasetState.READY


def test_a_manifest_is_written_once_and_never_replaced(adapters):
    row = ingest(put(FLIGHTS.read_bytes()), "request", adapters)
    manifest = adapters.files.manifest("flights", row.version)
    assert adapters.files.write_manifest(manifest) == row.manifest_uri
    changed: DatasetManifest = msgspec.structs.replace(manifest, code_version="other")
    with pytest.raises(Unavailable):
        adapters.files.write_manifest(changed)
    assert adapters.files.manifest("flights", row.version) == manifest


def test_a_version_deleted_before_it_is_read_is_gone(adapters):
    upload = put(FLIGHTS.read_bytes())
    boto3.client("s3").delete_object(Bucket="incoming", Key=upload.key, VersionId=upload.version_id)
    assert ingest(upload, "request", adapters).reason == "object_gone"


def test_a_pipelines_revision_guards_it(adapters):
    definition = defined(target="other")
    stored, is_new = adapters.pipelines.put("flights", definition, adapters.clock(), rev=1)
    assert (stored.rev, is_new) == (2, False)
    with pytest.raises(PreconditionFailed):
        adapters.pipelines.put("flights", definition, adapters.clock(), rev=1)
    with pytest.raises(PreconditionFailed):
        adapters.pipelines.delete("flights", "ada", adapters.clock(), rev=1)
    adapters.pipelines.delete("flights", "ada", adapters.clock(), rev=2)
    assert adapters.pipelines.read.all() == []


def test_an_upload_form_names_one_key_and_limits_the_size(adapters):
    form = adapters.raw.presign("incoming/flights/x.csv", max_bytes=10, expires_s=60)
    assert form["fields"]["key"] == "incoming/flights/x.csv"
    assert form["url"].startswith("https://")


def test_exactly_the_version_that_was_uploaded_is_copied_for_a_job_and_cleared_afterwards(adapters):
    first = adapters.raw.head("incoming/flights/a.csv", _put("incoming/flights/a.csv", b"first"))
    _put("incoming/flights/a.csv", b"second")
    for _ in range(2):
        adapters.job_files.copy_upload("flights", "0" * 20, first)
    adapters.job_files.write_order("flights", "0" * 20, 1, b"{}")
    s3 = boto3.client("s3")
    copied = s3.get_object(Bucket="data", Key=raw_key("flights", "0" * 20))["Body"].read()
    assert copied == b"first"
    adapters.job_files.clear("flights", "0" * 20)
    assert s3.list_objects_v2(Bucket="data", Prefix="staging/")["KeyCount"] == 0


def _put(key, body):
    return boto3.client("s3").put_object(Bucket="incoming", Key=key, Body=body)["VersionId"]
