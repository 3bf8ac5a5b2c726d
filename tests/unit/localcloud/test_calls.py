"""When the state of a running cloud is saved."""

import pytest

from localcloud.calls import LONGEST_S, QUIET_S, Calls


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def calls(clock: Clock) -> Calls:
    return Calls(clock)


def test_nothing_is_saved_while_nothing_changes(calls: Calls, clock: Clock) -> None:
    with calls.count("GET"):
        pass
    clock.now += 1000
    assert not calls.is_due()


def test_a_change_is_saved_once_calls_pause(calls: Calls, clock: Clock) -> None:
    with calls.count("POST"):
        pass
    assert not calls.is_due()
    clock.now += QUIET_S
    assert calls.is_due()
    calls.saved()
    clock.now += 1000
    assert not calls.is_due()


def test_a_call_that_still_runs_is_no_pause(calls: Calls, clock: Clock) -> None:
    with calls.count("PUT"):
        pass
    with calls.count("PUT"):
        clock.now += QUIET_S
        assert not calls.is_due()


def test_calls_that_never_pause_are_saved_all_the_same(calls: Calls, clock: Clock) -> None:
    due = []
    for _ in range(int(LONGEST_S)):
        with calls.count("POST"):
            clock.now += 1
        due.append(calls.is_due())
    assert due == [False] * (int(LONGEST_S) - 1) + [True]


def test_a_call_that_fails_may_have_changed_something(calls: Calls, clock: Clock) -> None:
    with pytest.raises(ZeroDivisionError), calls.count("POST"):
        raise ZeroDivisionError
    clock.now += QUIET_S
    assert calls.is_due()


def test_a_snapshot_that_failed_is_tried_again_at_the_next_pause(calls: Calls, clock: Clock) -> None:
    with calls.count("POST"):
        pass
    clock.now += QUIET_S
    calls.saved()
    calls.failed()
    assert not calls.is_due()
    clock.now += QUIET_S
    assert calls.is_due()
