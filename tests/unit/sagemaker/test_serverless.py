"""Which serverless variants keep a container."""

import pytest

from localcloud.sagemaker.serverless import Serverless

NOW, IDLE_S = 1000.0, 300.0


class Variant:
    """A variant without a process; one that is busy does not sleep."""

    def __init__(self, asked_at: float, *, is_busy: bool = False) -> None:
        self.asked_at, self.is_busy, self.is_asleep = asked_at, is_busy, False

    def sleep(self) -> bool:
        self.is_asleep = not self.is_busy
        return self.is_asleep


@pytest.fixture
def serverless(monkeypatch: pytest.MonkeyPatch) -> Serverless:
    """Room for two; time stands still, and nobody looks around by himself."""
    monkeypatch.setattr("time.monotonic", lambda: NOW)
    monkeypatch.setattr(Serverless, "_look_around", lambda _: None)
    return Serverless(most=2, idle_s=IDLE_S)


def asleep(*variants: Variant) -> list[bool]:
    return [variant.is_asleep for variant in variants]


def test_one_that_nobody_asked_for_the_time_sleeps_and_the_others_do_not(serverless: Serverless) -> None:
    idle, recent = Variant(NOW - IDLE_S + 1), Variant(NOW)
    serverless.woke(idle)
    serverless.woke(recent)
    assert asleep(idle, recent) == [False, False]
    serverless.rest(NOW + 1)
    assert asleep(idle, recent) == [True, False]


def test_who_wakes_as_one_too_many_sends_the_one_asked_longest_ago_to_sleep(serverless: Serverless) -> None:
    variants = [Variant(NOW - 2), Variant(NOW - 3), Variant(NOW)]
    for variant in variants:
        serverless.woke(variant)
    assert asleep(*variants) == [False, True, False]


def test_one_too_many_that_is_busy_sleeps_when_it_is_not_any_more(serverless: Serverless) -> None:
    busy, others = Variant(NOW - 9, is_busy=True), [Variant(NOW), Variant(NOW)]
    for variant in (busy, *others):
        serverless.woke(variant)
    assert asleep(busy, *others) == [False, False, False]
    busy.is_busy = False
    serverless.rest(NOW)
    assert asleep(busy, *others) == [True, False, False]


def test_one_whose_endpoint_ended_takes_no_room(serverless: Serverless) -> None:
    gone, first, second = Variant(NOW - 9), Variant(NOW - 2), Variant(NOW)
    serverless.woke(gone)
    serverless.forget(gone)
    serverless.forget(gone)
    serverless.woke(first)
    serverless.woke(second)
    assert asleep(gone, first, second) == [False, False, False]
