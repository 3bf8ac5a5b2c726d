"""Counters of releases against moto's DynamoDB; that additions at once all count, a table's own contract says."""

import boto3
from chalicelib.inference.tally import Step, Tally, one_request
from chalicelib.inference.traffic import Traffic
from chalicelib.inference.usage import Usage

from tests.integration.inference.dynamodb_tables import make_table
from tests.unit.inference.fakes import NOW

STEP = Step(pipeline="flights", gen=3, version="v2", step=1)


def test_what_is_added_request_by_request_is_summed_exactly():
    traffic = Traffic(make_table(boto3.client("dynamodb"), "predictions", "request_id", "chunk", kinds="SN"))
    for ms in [10.0] * 40 + [100.0] * 10:
        traffic.add(STEP, one_request(ms), NOW)
    traffic.add(
        STEP, Tally(labelled=2, correct=1, measured=2, absolute_error=0.75, compared=3, disagreed=1), NOW
    )
    found = traffic.of(STEP)
    assert (found.requests, sum(found.latencies.values()), len(found.latencies)) == (50, 50, 2)
    assert (found.labelled, found.correct, found.absolute_error) == (2, 1, 0.75)
    assert (found.compared, found.disagreed) == (3, 1)
    assert traffic.of(Step(pipeline="flights", gen=3, version="v2", step=0)) == Tally()
    assert traffic.of(Step(pipeline="flights", gen=2, version="v2", step=1)) == Tally()


def test_the_last_use_of_a_pipeline_is_read_as_it_was_written():
    usage = Usage(make_table(boto3.client("dynamodb"), "releases", "pipeline", "entry"), lambda: 0.0)
    assert usage.last("flights") is None
    usage.touch("flights", NOW)
    assert usage.last("flights") == "2026-01-01T00:00:00Z"
