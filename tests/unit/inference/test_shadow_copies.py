"""Copies for a shadow: sent beside the answer, never instead of it."""

import json
import logging
import threading
import time
from typing import Any

import msgspec
from botocore.exceptions import ReadTimeoutError
from chalicelib.inference.answers import Answer
from chalicelib.inference.attempts import Copy, copy_of
from chalicelib.inference.shadow_copies import MAX_BYTES, WAIT_S, ShadowCopies

LOG = logging.getLogger("test")


class FakeLambda:
    """Keeps what it was asked to invoke, once ``may_go`` allows."""

    def __init__(self, error: Exception | None = None) -> None:
        self.requests: list[dict[str, Any]] = []
        self.may_go = threading.Event()
        self.may_go.set()
        self.error = error

    def invoke(self, **request: Any) -> None:
        self.may_go.wait(5)
        self.requests.append(request)
        if self.error:
            raise self.error


def a_copy(records: bytes = b'[{"distance":1.50}]') -> Copy:
    return Copy(
        pipeline="flights",
        gen=3,
        version="v2",
        request_id="r",
        records=msgspec.Raw(records),
        answers=[Answer(value=True, scores={"true": 0.1})],
    )


def test_a_copy_arrives_as_it_was_sent_by_an_asynchronous_invocation():
    fake = FakeLambda()
    copies = ShadowCopies(lambda: fake, "headrace-inference-test-shadow", LOG)
    copies.begin(a_copy())
    copies.finish()
    (request,) = fake.requests
    assert (request["FunctionName"], request["InvocationType"]) == ("headrace-inference-test-shadow", "Event")
    arrived = copy_of(json.loads(request["Payload"]))
    assert (arrived.gen, arrived.version, arrived.answers) == (3, "v2", a_copy().answers)
    assert json.loads(bytes(arrived.records)) == [{"distance": 1.5}]


def test_an_answer_waits_for_a_slow_hand_over_only_so_long_and_the_next_copy_is_left_out():
    fake = FakeLambda()
    fake.may_go.clear()
    copies = ShadowCopies(lambda: fake, "f", LOG)
    copies.begin(a_copy())
    began = time.monotonic()
    copies.finish()
    assert time.monotonic() - began < WAIT_S + 4
    copies.begin(a_copy())
    fake.may_go.set()
    copies.finish()
    assert len(fake.requests) == 1
    copies.begin(a_copy())
    copies.finish()
    assert len(fake.requests) == 2


def test_a_hand_over_that_fails_concerns_nobody():
    copies = ShadowCopies(lambda: FakeLambda(ReadTimeoutError(endpoint_url="x")), "f", LOG)
    for _ in range(2):
        copies.begin(a_copy())
        copies.finish()


def test_a_client_that_cannot_be_made_concerns_nobody():
    def no_client() -> None:
        raise RuntimeError("no region")

    copies = ShadowCopies(no_client, "f", LOG)
    copies.begin(a_copy())
    copies.finish()


def test_what_an_invocation_does_not_take_is_not_copied():
    fake = FakeLambda()
    copies = ShadowCopies(lambda: fake, "f", LOG)
    copies.begin(a_copy(b'["' + b"x" * MAX_BYTES + b'"]'))
    copies.finish()
    assert fake.requests == []
