"""Whose turn it is when more waits than can run."""

import msgspec

from localcloud.waiting import Waiting


class Asked(msgspec.Struct, frozen=True):
    function_arn: str
    number: int = 0


def taken(waiting: Waiting[Asked], now: float) -> list[Asked]:
    found = []
    while (one := waiting.take(now)) is not None:
        found.append(one)
    return found


def test_a_function_with_a_long_line_keeps_no_other_waiting() -> None:
    waiting = Waiting[Asked]()
    for number in range(100):
        waiting.put(Asked("ingest", number), at=0)
    waiting.put(Asked("training"), at=1)
    waiting.put(Asked("tick"), at=1)
    first = [waiting.take(2) for _ in range(3)]
    assert {one.function_arn for one in first if one} == {"ingest", "training", "tick"}


def test_functions_with_long_lines_take_turns() -> None:
    waiting = Waiting[Asked]()
    for number in range(3):
        waiting.put(Asked("a", number), at=0)
    for number in range(3):
        waiting.put(Asked("b", number), at=0)
    assert [one.function_arn for one in taken(waiting, 1)] == ["a", "b"] * 3


def test_one_functions_invocations_are_taken_by_the_time_they_are_due() -> None:
    waiting = Waiting[Asked]()
    for number, at in enumerate((3.0, 1.0, 2.0, 1.0)):
        waiting.put(Asked("a", number), at)
    assert [one.number for one in taken(waiting, 3)] == [1, 3, 2, 0]


def test_nothing_is_taken_before_it_is_due() -> None:
    waiting = Waiting[Asked]()
    waiting.put(Asked("a"), at=5)
    waiting.put(Asked("b"), at=4)
    assert waiting.take(3.9) is None
    assert waiting.next_at == 4
    assert waiting.take(4) == Asked("b")
    assert waiting.next_at == 5


def test_all_that_waits_is_told_in_its_order() -> None:
    waiting = Waiting[Asked]()
    for number, at in enumerate((3.0, 1.0, 2.0)):
        waiting.put(Asked(f"function-{number}", number), at)
    assert [one.number for one in waiting.in_order()] == [1, 2, 0]
    assert len(waiting) == 3
    taken(waiting, 9)
    assert (len(waiting), waiting.next_at, waiting.in_order()) == (0, None, [])
