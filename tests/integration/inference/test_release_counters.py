"""Counters of releases against moto's DynamoDB: additions that add up, whoever makes them."""

from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from chalicelib.inference.tally import Step, Tally, one_request
from chalicelib.inference.traffic import Traffic
from chalicelib.inference.usage import Usage
from moto import mock_aws

from shared.tables import Table
from tests.clouds import dynamodb
from tests.unit.inference.fakes import NOW

STEP = Step(pipeline="flights", gen=3, version="v2", step=1)


@pytest.fixture(autouse=True)
def aws(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield


def table(*keys, kinds):
    client = boto3.client("dynamodb")
    client.create_table(
        TableName="t",
        KeySchema=[{"AttributeName": k, "KeyType": t} for k, t in zip(keys, ("HASH", "RANGE"), strict=True)],
        AttributeDefinitions=[
            {"AttributeName": k, "AttributeType": t} for k, t in zip(keys, kinds, strict=True)
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return Table(dynamodb(), "t", *keys)


def test_what_many_workers_add_at_once_is_summed_exactly():
    traffic = Traffic(table("request_id", "chunk", kinds="SN"))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda ms: traffic.add(STEP, one_request(ms), NOW), [10.0] * 40 + [100.0] * 10))
    traffic.add(STEP, Tally(labelled=2, correct=1, absolute_error=0.75, compared=3, disagreed=1), NOW)
    found = traffic.of(STEP)
    assert (found.requests, sum(found.latencies.values()), len(found.latencies)) == (50, 50, 2)
    assert (found.labelled, found.correct, found.absolute_error) == (2, 1, 0.75)
    assert (found.compared, found.disagreed) == (3, 1)
    assert traffic.of(Step(pipeline="flights", gen=3, version="v2", step=0)) == Tally()
    assert traffic.of(Step(pipeline="flights", gen=2, version="v2", step=1)) == Tally()


def test_the_last_use_of_a_pipeline_is_read_as_it_was_written():
    usage = Usage(table("pipeline", "entry", kinds="SS"), lambda: 0.0)
    assert usage.last("flights") is None
    usage.touch("flights", NOW)
    assert usage.last("flights") == "2026-01-01T00:00:00Z"
