"""What an Idempotency-Key promises: done once, answered as often as asked."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from chalice.app import Response

from shared.errors import Conflict, InProgress, InvalidBody, InvalidRequest, Unavailable
from shared.http.idempotency import Replies
from shared.http.request import Caller, Request
from tests.fakes import FakeClock, FakeTable


class World:
    """One table of answers, and how often the work was done."""

    def __init__(self) -> None:
        self.table = FakeTable("idempotency", "id")
        self.clock = FakeClock()
        self.done = 0
        self.replies = Replies(self.table, self.clock, logging.getLogger("test.idempotency"))

    def send(
        self,
        key: str = "k-1",
        body: bytes = b"{}",
        *,
        token: str = "t-1",
        path: str = "/v1/things",
        work: Callable[[], Response] | None = None,
        **query: str,
    ) -> Response:
        request = Request(
            id="r",
            path=path,
            caller=Caller(token_id=token),
            raw_body=body,
            query=query,
            headers={"idempotency-key": key},
        )
        return self.replies.once("POST", request, work or self.work)

    def work(self) -> Response:
        self.done += 1
        headers: Any = {"Content-Type": "application/json", "Location": f"/v1/things/{self.done}"}
        return Response(json.dumps({"thing": self.done}), headers, 201)


@pytest.fixture
def world() -> World:
    return World()


def told(response: Response) -> tuple[int, Any, Any]:
    return response.status_code, json.loads(response.body), response.headers["Location"]


def test_the_same_request_is_done_once_and_answered_the_same(world: World) -> None:
    first, second = world.send(), world.send()
    assert world.done == 1
    assert told(first) == told(second) == (201, {"thing": 1}, "/v1/things/1")
    assert second.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers


@pytest.mark.parametrize("other", [{"body": b"{ }"}, {"version": "v1"}])
def test_the_same_key_with_another_request_is_refused(world: World, other: dict[str, Any]) -> None:
    world.send()
    with pytest.raises(InvalidBody, match="take a new key"):
        world.send(**other)
    assert world.done == 1


@pytest.mark.parametrize("other", [{"key": "k-2"}, {"token": "t-2"}, {"path": "/v1/things/x"}])
def test_keys_of_other_tokens_and_routes_are_other_keys(world: World, other: dict[str, Any]) -> None:
    world.send()
    world.send(**other)
    assert world.done == 2


def test_a_duplicate_that_comes_while_the_first_is_at_work_is_told_to_wait(world: World) -> None:
    def while_at_work() -> Response:
        with pytest.raises(InProgress) as refused:
            world.send()
        assert (refused.value.status, refused.value.retry_after_s) == (409, 1)
        return world.work()

    assert world.send(work=while_at_work).status_code == 201
    assert world.done == 1


@pytest.mark.parametrize("error", [Conflict("taken"), Unavailable("away"), RuntimeError("bug")])
def test_after_a_failure_the_same_key_may_try_again(world: World, error: Exception) -> None:
    def fail() -> Response:
        raise error

    with pytest.raises(type(error)):
        world.send(work=fail)
    assert told(world.send())[1] == {"thing": 1}


def test_who_comes_after_a_crash_takes_over_and_the_zombie_overwrites_nothing(world: World) -> None:
    def crash_then_come_back() -> Response:
        world.clock.advance(59)
        with pytest.raises(InProgress):
            world.send()
        world.clock.advance(2)
        # The lease is over: the second one does the work and answers.
        assert told(world.send())[1] == {"thing": 1}
        return world.work()

    assert told(world.send(work=crash_then_come_back))[1] == {"thing": 2}
    assert told(world.send())[1] == {"thing": 1}


def test_a_failing_zombie_does_not_free_the_key_of_who_took_over(world: World) -> None:
    def crash_then_fail() -> Response:
        world.clock.advance(61)
        world.send()
        raise RuntimeError("too late")

    with pytest.raises(RuntimeError):
        world.send(work=crash_then_fail)
    world.send()
    assert world.done == 1


def test_after_a_day_the_key_is_free_even_where_the_row_is_still_there(world: World) -> None:
    world.send()
    world.clock.advance(24 * 3600)
    assert told(world.send(body=b"other"))[1] == {"thing": 2}


def test_an_answer_that_cannot_be_kept_is_given_all_the_same(world: World) -> None:
    def refuse(*_: object, **__: object) -> Any:
        raise Unavailable("throttled")

    world.table.update = refuse  # type: ignore[method-assign]
    assert world.send().status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "ключ", "a\nb"])
def test_a_key_that_is_none_is_refused(world: World, key: str) -> None:
    with pytest.raises(InvalidRequest, match="printable ASCII"):
        world.send(key)


def test_neither_the_key_nor_the_request_is_stored(world: World) -> None:
    world.send("my-secret-key", b'{"name": "Ada"}')
    assert "my-secret-key" not in str(world.table.rows)
    assert "Ada" not in str(world.table.rows)


def test_who_claims_a_key_and_hears_no_answer_is_not_told_to_wait_for_itself(world: World) -> None:
    put = world.table.put

    def put_again(row: Any, **options: Any) -> None:
        put(row, **options)
        # The client's own retry: DynamoDB had done it the first time.
        put(row, **options)

    world.table.put = put_again  # type: ignore[method-assign]
    assert told(world.send()) == (201, {"thing": 1}, "/v1/things/1")
