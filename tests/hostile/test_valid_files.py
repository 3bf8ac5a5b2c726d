"""Generated good files of every format: none is refused, and what DuckDB reads of the parts is what was written."""

import itertools
import os
from collections.abc import Callable
from typing import Any

import pytest
from chalicelib.ingest.split import bucket
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.entities.pipeline import Split
from tests.attack_report import Attacks
from tests.hostile.confined import Servers, Used
from tests.hostile.judge import Fate, judge_with_rows, told
from tests.hostile.tables import Valid, valid

COUNT = int(os.environ.get("HOSTILE_COUNT", "1000"))
SPELLINGS = 5
AT_ONCE = 2 * SPELLINGS


@pytest.mark.timeout(900)
def test_every_value_of_generated_good_files_comes_back_on_its_side(
    confined: Servers, attacks: Attacks, figure: Callable[[str, object], None]
) -> None:
    @settings(
        max_examples=max(1, COUNT // AT_ONCE),
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(tables=st.tuples(valid(SPELLINGS), valid(SPELLINGS)))
    def hold(tables: tuple[list[Valid], list[Valid]]) -> None:
        # A table to each server: a fork for every file would cost more than it tells of good ones.
        used = confined.each(judge_with_rows, [[one.file for one in spellings] for spellings in tables])
        for spellings, one in zip(tables, used, strict=True):
            count(attacks, spellings, one)
        assert [one.ending for one in used] == [None, None]
        for table, fate in zip(
            itertools.chain(*tables), [fate for one in used for fate in one.answer], strict=True
        ):
            assert_as_written(table, fate)

    hold()
    figure("good files refused, or changed in any value", f"0 of {COUNT}")


def count(attacks: Attacks, spellings: list[Valid], used: Used) -> None:
    """Note what became of the spellings of one table, by format; a fork reads them all, so none has its own cost."""
    fates = used.answer or [None] * len(spellings)
    for spelling, fate in zip(spellings, fates, strict=True):
        is_refused = fate is None or fate.state != "READY" or fate.bad > 0
        attacks.note(f"good files: .{spelling.file.name.partition('.')[2]}", told(fate), wrong=is_refused)


def assert_as_written(table: Valid, fate: Fate) -> None:
    assert (fate.state, fate.reason, fate.detail) == ("READY", None, None)
    assert (fate.read, fate.bad) == (len(table.rows), 0)
    assert fate.types == table.types
    assert sorted(row for rows in fate.sides.values() for row in rows) == sorted(table.rows)
    for side, rows in fate.sides.items():
        assert {side_of(row) for row in rows} == {side}


def side_of(row: tuple[Any, ...]) -> str:
    """Return the side of the row with this key, the first cell, as the documentation says how to compute it."""
    place = bucket([str(row[0])], Split().seed)
    return "test" if place < 2000 else "validation" if place < 3000 else "train"
