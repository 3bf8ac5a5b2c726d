"""A batch that is asked for twice under one Idempotency-Key is one batch, though the first answer is lost."""

import json
import logging
from typing import Any

import pytest

from shared.errors import Unavailable
from shared.http.idempotency import Replies
from tests.fakes import FakeTable
from tests.unit.inference.test_batches import BATCHES, csv, put


class Forgetful(FakeTable):
    """A table that takes claims and keeps no answer."""

    def update(self, *_: Any, **__: Any) -> Any:
        raise Unavailable("throttled")


@pytest.fixture
def keyed(live, module):
    """The routes with the answers of an Idempotency-Key, none of which is kept."""
    table = Forgetful("idempotency", "id")
    module.wiring.replies = Replies(table, live.stage.clock, logging.getLogger("test"))
    return live


def ask(rest, body, key="k-1"):
    answer = rest.call("POST", BATCHES, BATCHES, {"pipeline": "flights"}, json.dumps(body), key=key)
    assert answer.status == 202, answer.text
    return answer.body


def test_a_batch_whose_answer_was_not_kept_is_made_once(keyed):
    body = {"input_uri": put(keyed, "mine.csv", csv(3))}
    first, second = ask(keyed, body), ask(keyed, body)
    assert (second["id"], second["state"]) == (first["id"], "RUNNING")
    assert keyed.stage.begun == [("flights", first["id"])] * 2


def test_a_batch_that_waits_for_its_file_waits_for_the_same_one(keyed):
    first, second = (ask(keyed, {"file": "mine.csv"}) for _ in range(2))
    assert second["upload"] == first["upload"]


def test_other_keys_and_the_same_key_a_day_later_make_other_batches(keyed):
    first, other = ask(keyed, {"file": "mine.csv"}), ask(keyed, {"file": "mine.csv"}, "k-2")
    keyed.stage.clock.advance(24 * 3600)
    later = ask(keyed, {"file": "mine.csv"})
    assert len({first["id"], other["id"], later["id"]}) == 3


def test_a_batch_written_by_a_call_that_is_sent_again_is_not_refused(live, monkeypatch):
    """A transaction carries a token, a conditional put would meet its own row."""
    table = live.stage.batching.batches._table
    monkeypatch.setattr(table, "put", lambda *_, **__: pytest.fail("a put of its own"))
    answer = live.call("POST", BATCHES, BATCHES, {"pipeline": "flights"}, json.dumps({"file": "mine.csv"}))
    assert answer.status == 202
