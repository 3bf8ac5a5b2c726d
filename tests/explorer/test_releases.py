"""Every order of what happens to a release: people who promote, roll back and stop, events, the minute, crashes.

The workflows and the conditional writes are the real ones. A guard that is taken away has a shortest counterexample,
which is printed: run with ``-s`` to read it.
"""

from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from chalicelib.inference import transitions
from chalicelib.inference.releases import Releases
from chalicelib.inference.workflow import deleting, rollout, tidying

from tests.explorer.deletions import AGAIN, ERASE
from tests.explorer.machine import Left
from tests.explorer.promises import LEGAL, MADE
from tests.explorer.releases import (
    ALSO_PROMOTE,
    APPROVED,
    DELETE,
    FIRST,
    PROMOTE,
    REJECT,
    ROLL_BACK,
    STOP,
    Setting,
    explore_releases,
)

CANARY = {"strategy": "canary", "steps": ["10%", "50%"], "bake": "0s", "min_requests": 1}
SHADOW = {"strategy": "shadow", "bake": "0s", "min_requests": 1}
BACK = Setting(approved=(), grace_ends=True, left=Left(wishes=(ROLL_BACK,)))
TOLD = Setting(bus=(APPROVED,))
NEW = Setting(is_first=True, approved=("v1",))


def going_wrong(setting: Setting, **left: Any) -> Setting:
    """Return *setting* with more that may go wrong."""
    return msgspec.structs.replace(setting, left=msgspec.structs.replace(setting.left, **left))


# Each closed, not sampled; and how many states that is at least.
SETTINGS = {
    "the first release, two crashes": (going_wrong(NEW, crashes=2), 35_000),
    "the first release, told twice or lost": (
        going_wrong(msgspec.structs.replace(NEW, bus=(FIRST,)), losses=2, duplicates=1),
        70_000,
    ),
    "the next release, two crashes": (Setting(left=Left(crashes=2)), 35_000),
    "an approval told twice or lost": (going_wrong(TOLD, losses=1, duplicates=1), 70_000),
    "two events lost": (going_wrong(TOLD, losses=2), 10_000),
    "an approval in the middle of the minute": (Setting(bus=(APPROVED,), crowded=True), 20_000),
    "a promotion against a rollback": (Setting(left=Left(wishes=(PROMOTE, ROLL_BACK))), 80_000),
    "two promotions": (Setting(approved=("v3", "v4"), left=Left(wishes=(PROMOTE, ALSO_PROMOTE))), 20_000),
    "a promotion against a rejection": (Setting(left=Left(wishes=(PROMOTE, REJECT))), 20_000),
    "a rollback against the reaper, a crash": (going_wrong(BACK, crashes=1), 70_000),
    "a rollback in the middle of the minute": (msgspec.structs.replace(BACK, crowded=True), 60_000),
    "a canary against a rollback": (Setting(release=CANARY, left=Left(wishes=(ROLL_BACK,))), 60_000),
    "a shadow against a stop": (Setting(release=SHADOW, left=Left(wishes=(STOP,))), 20_000),
    "an endpoint that fails": (Setting(left=Left(failures=1)), 1_000),
    "a deletion against a release, an event lost": (Setting(left=Left(wishes=(ERASE,), losses=1)), 10_000),
    "a deletion against a promotion": (Setting(left=Left(wishes=(ERASE, PROMOTE))), 70_000),
    "a deletion against a rollback": (
        Setting(approved=(), grace_ends=True, left=Left(wishes=(ERASE, ROLL_BACK))),
        20_000,
    ),
    "a pipeline deleted and defined again, a crash": (
        Setting(approved=("v5",), left=Left(wishes=(ERASE, AGAIN), crashes=1)),
        50_000,
    ),
    "a pipeline deleted and defined again, an event lost": (
        Setting(approved=("v5",), left=Left(wishes=(ERASE, AGAIN), losses=1)),
        5_000,
    ),
    "an endpoint that is deleted by hand": (Setting(left=Left(wishes=(DELETE,))), 10_000),
}


@pytest.mark.parametrize(("setting", "states"), SETTINGS.values(), ids=SETTINGS)
def test_whatever_happens_a_release_keeps_its_promises_and_ends(setting: Setting, states: int) -> None:
    found = explore_releases(setting)
    print(found)
    assert not found.broken, found
    assert found.states >= states


def test_every_move_of_the_table_is_made() -> None:
    MADE.clear()
    for setting in (
        Setting(release=CANARY),
        Setting(release=SHADOW),
        Setting(left=Left(wishes=(DELETE,))),
        Setting(left=Left(wishes=(STOP,))),
        going_wrong(BACK, wishes=(ROLL_BACK, STOP)),
        going_wrong(BACK, wishes=(ROLL_BACK, DELETE)),
    ):
        assert not explore_releases(setting).broken
    assert {(before, after) for before, after in LEGAL if before is not after} == MADE


_standing = deleting.standing


def _never_taken_down(adapters: Any, pipeline: str) -> Any:
    return adapters.releases.current(pipeline), adapters.pipelines.life(pipeline)


def _in_the_first_life(adapters: Any, pipeline: str) -> Any:
    return _standing(adapters, pipeline)[0], 0


def guard(table: str, *attributes: str) -> dict[str, frozenset[str]]:
    return {table: frozenset(attributes)}


@pytest.mark.parametrize(
    ("blind", "setting", "broken"),
    [
        pytest.param(
            guard("releases", "gen"),
            Setting(left=Left(wishes=(PROMOTE, ROLL_BACK))),
            "is followed by generation",
            id="the generation",
        ),
        pytest.param(
            guard("releases", "candidate"),
            Setting(bus=(APPROVED,), left=Left(wishes=(STOP,))),
            "the history goes on from v2, and v3 was live",
            id="the candidate",
        ),
        pytest.param(
            guard("releases", "candidate"),
            Setting(left=Left(wishes=(ERASE,))),
            "the history goes on from v2, and v3 was live",
            id="the candidate that a deletion ends",
        ),
        pytest.param(guard("releases", "lease_until"), TOLD, "the lease of", id="the lease"),
        pytest.param(guard("releases", "owner"), TOLD, "the lease of", id="the owner of the lease"),
        pytest.param(
            guard("releases", "reaped_at"),
            BACK,
            "the endpoint of v1 is deleted, which may have to serve",
            id="the reaper's mark",
        ),
        pytest.param(
            guard("models", "state"),
            Setting(left=Left(wishes=(PROMOTE, REJECT))),
            "v3 is released and is REJECTED",
            id="the gate",
        ),
    ],
)
def test_without_the_guard_of_a_write_there_is_a_counterexample(
    blind: dict[str, frozenset[str]], setting: Setting, broken: str
) -> None:
    found = explore_releases(setting, blind=blind)
    print(found)
    assert broken in found.broken
    assert len(found.way) > 3


@pytest.mark.parametrize(
    ("owner", "name", "blind", "setting", "broken"),
    [
        pytest.param(
            transitions,
            "_check_judged",
            None,
            Setting(approved=("v3", "v4"), left=Left(wishes=(PROMOTE, ALSO_PROMOTE))),
            "and was compared with v2",
            id="a comparison is not stale",
        ),
        pytest.param(
            Releases,
            "was_tried",
            False,
            Setting(bus=(APPROVED,), left=Left(duplicates=1, wishes=(ROLL_BACK,))),
            "v3 is released again, and nobody asked for it",
            id="an approval is heard once",
        ),
        pytest.param(
            rollout,
            "check_answers",
            None,
            Setting(wrong=frozenset({"v3"})),
            "v3 is made live and does not answer as training did",
            id="golden rows",
        ),
        pytest.param(
            tidying,
            "_may_be_needed",
            False,
            Setting(approved=(), reaps_early=True),
            "the endpoint of v1 is deleted, which may have to serve",
            id="the grace of the previous version",
        ),
    ],
)
def test_without_a_check_there_is_a_counterexample(
    owner: Any, name: str, blind: Any, setting: Setting, broken: str
) -> None:
    with patch.object(owner, name, lambda *_, **__: blind):
        found = explore_releases(setting)
    print(found)
    assert broken in found.broken
    assert len(found.way) > 3


@pytest.mark.parametrize(
    ("standing", "broken"),
    [
        pytest.param(_never_taken_down, "nothing leads from here to rest", id="what is over is taken down"),
        pytest.param(_in_the_first_life, "v5 is released in life 0, which is over", id="the life"),
    ],
)
def test_without_a_part_of_a_deletion_there_is_a_counterexample(standing: Any, broken: str) -> None:
    with patch.object(deleting, "standing", standing):
        found = explore_releases(Setting(approved=("v5",), left=Left(wishes=(ERASE, AGAIN))))
    print(found)
    assert broken in found.broken
