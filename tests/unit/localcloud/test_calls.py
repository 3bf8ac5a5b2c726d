"""When the state of a running cloud is saved."""

import pytest

from localcloud.calls import LONGEST_S, QUIET_S, SHARE_OF_TIME, Calls


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
    with calls.saving():
        pass
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
    with calls.saving():
        pass
    calls.failed()
    assert not calls.is_due()
    clock.now += QUIET_S
    assert calls.is_due()


def test_what_changes_while_a_snapshot_is_written_is_saved_by_the_next(calls: Calls, clock: Clock) -> None:
    with calls.saving(), calls.count("POST"):
        pass
    clock.now += QUIET_S
    assert calls.is_due()


def test_snapshots_that_take_long_leave_most_of_the_time_to_the_calls(calls: Calls, clock: Clock) -> None:
    takes_s = 2.0
    with calls.saving():
        clock.now += takes_s
    ended = clock.now
    while not calls.is_due():
        with calls.count("POST"):
            clock.now += 0.5
    assert takes_s / (clock.now - ended + takes_s) == pytest.approx(SHARE_OF_TIME, rel=0.1)


def test_a_pause_is_used_however_long_the_snapshot_before_it_took(calls: Calls, clock: Clock) -> None:
    with calls.saving():
        clock.now += 10
    with calls.count("POST"):
        pass
    clock.now += QUIET_S
    assert calls.is_due()
