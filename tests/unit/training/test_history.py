"""Which dataset versions a training sees, and that none of them teaches what the newest one asks."""

import random
from typing import Any
from unittest.mock import Mock

import msgspec
import pytest
from chalicelib.training.plan import choose_parts, choose_window
from hypothesis import given
from hypothesis import strategies as st

from shared.entities.dataset import DatasetManifest, DatasetState, SplitRecord, TimeBounds
from tests.unit.training.world import World, make_manifest

DAYS = st.lists(st.integers(1, 28), min_size=1, max_size=8)


def at(day: int) -> str:
    return f"2026-01-{day:02d}T00:00:00Z"


def arrived(days: list[int]) -> list[DatasetManifest]:
    """Return versions d1, d2, … whose data ends on *days*."""
    return [make_manifest("flights", n, at(day)) for n, day in enumerate(days, start=1)]


def split_by(manifest: DatasetManifest, by: str, sides: dict[str, tuple[int, int]]) -> DatasetManifest:
    bounds = {side: TimeBounds(first=at(first), last=at(last)) for side, (first, last) in sides.items()}
    record = SplitRecord(by=by, seed=1, test=0.2, validation=0.1, rows={}, bounds=bounds)
    return msgspec.structs.replace(manifest, split=record)


def sides_of(keys: tuple[str, ...]) -> list[str]:
    return ["/".join(key.split("/")[2:4]) for key in keys]


@given(DAYS, st.integers(1, 9999), st.randoms(use_true_random=False))
def test_last_n_is_the_end_of_all_whatever_the_order_of_reading(
    days: list[int], count: int, order: random.Random
) -> None:
    versions = arrived(days)
    everything = choose_window("all", versions, "d1")
    shuffled = order.sample(versions, len(versions))
    assert choose_window(f"last {count}", shuffled, "d1") == everything[-count:]
    assert sorted(m.ordinal for m in everything) == [m.ordinal for m in versions]


@given(DAYS)
def test_the_window_ends_with_the_newest_data_and_of_equals_with_the_newest_upload(days: list[int]) -> None:
    versions = arrived(days)
    newest = choose_window("all", versions, "d1")[-1]
    assert (newest.time.last if newest.time else "", newest.ordinal) == max(
        (at(d), n) for n, d in enumerate(days, 1)
    )


@given(DAYS, st.data())
def test_replace_sees_the_version_that_asks_and_no_other(days: list[int], data: Any) -> None:
    trigger = data.draw(st.sampled_from([m.version for m in arrived(days)]))
    assert [m.version for m in choose_window("replace", arrived(days), trigger)] == [trigger]


@given(DAYS, st.sampled_from(["hash", "time", "group(carrier)"]))
def test_no_part_is_in_two_channels_and_only_the_newest_version_tunes_and_judges(
    days: list[int], by: str
) -> None:
    window = choose_window("all", [split_by(m, by, {}) for m in arrived(days)], "d1")
    channels = choose_parts(window)
    keys = [key for side in channels.values() for key in side]
    assert len(keys) == len(set(keys))
    for side in ("validation", "test"):
        assert sides_of(channels[side]) == [f"{window[-1].version}/{side}"]


@given(st.integers(1, 20), st.lists(st.integers(1, 9), min_size=3, max_size=3), st.integers(1, 28))
def test_by_time_nothing_that_trains_reaches_into_the_days_that_judge(
    start: int, lengths: list[int], judged_from: int
) -> None:
    ends = [min(28, start + sum(lengths[: n + 1])) for n in range(3)]
    sides = {"train": (start, ends[0]), "validation": (ends[0], ends[1]), "test": (ends[1], ends[2])}
    old = split_by(make_manifest("flights", 1, at(ends[2])), "time", sides)
    newest = split_by(make_manifest("flights", 2, at(28)), "time", {"test": (judged_from, 28)})
    taught = {key for key in choose_parts([old, newest])["train"] if "/d1/" in key}
    assert {side for side, (_, last) in sides.items() if last < judged_from} == {
        key.split("/")[3] for key in taught
    }


def test_a_corrected_file_does_not_teach_the_days_it_judges() -> None:
    sides = {"train": (1, 20), "validation": (21, 23), "test": (24, 28)}
    first, second = (split_by(m, "time", sides) for m in arrived([28, 28]))
    assert sides_of(choose_parts([first, second])["train"]) == ["d1/train", "d1/validation", "d2/train"]


def test_a_group_held_out_in_one_version_is_held_out_in_all() -> None:
    window = [split_by(m, "group(carrier)", {}) for m in arrived([1, 2])]
    assert sides_of(choose_parts(window)["train"]) == ["d1/train", "d2/train"]


@pytest.mark.parametrize("history", ["all", "last 2"])
def test_rejected_failed_superseded_and_repeated_uploads_are_not_in_the_window(history: str) -> None:
    world = World(data={"time": "departed_at", "history": history})
    world.dataset(1)
    for ordinal, state in enumerate(("REJECTED", "FAILED", "SUPERSEDED", "ARCHIVED", "VALIDATING"), start=2):
        world.dataset(ordinal, state=DatasetState(state))
    world.dataset(7, duplicate_of="d1")
    world.ready(world.dataset(8))
    assert world.only_job().dataset_versions == ("d1", "d8")


@pytest.mark.parametrize(
    ("history", "time", "read"),
    [("last 2", None, 2), ("replace", None, 1), ("replace", "departed_at", 1), ("last 2", "departed_at", 9)],
)
def test_no_more_manifests_are_read_than_can_be_in_the_window(
    history: str, time: str | None, read: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(data={"time": time, "history": history}, split={"by": "hash"})
    for ordinal in range(1, 9):
        world.dataset(ordinal)
    manifests = Mock(wraps=world.data.read)
    monkeypatch.setattr(world.data, "read", manifests)
    world.ready(world.dataset(9))
    names = [call.args[0] for call in manifests.call_args_list]
    assert sum(name.endswith("/manifest.json") for name in names) == read
    assert world.only_job().dataset_versions == (("d9",) if history == "replace" else ("d8", "d9"))


@pytest.mark.parametrize(
    "definition",
    [
        {"data": {"history": "replace"}, "train": {"quiet": "1m"}},
        {"data": {"history": "last 2"}, "train": {"quiet": "1m"}},
        {"data": {"history": "last 2", "time": "departed_at"}, "train": {"quiet": "0s"}},
    ],
    ids=str,
)
def test_an_upload_outside_the_window_trains_nothing_again_though_another_champion_went_live(
    definition: dict[str, Any],
) -> None:
    """Its event comes late, or it was ready after newer ones: what it asks for, others have asked for."""
    world = World(split={"by": "hash"}, **definition)
    for ordinal in (2, 3):
        world.ready(world.dataset(ordinal))
        world.tick(120)
        world.complete(world.jobs()[-1])
        world.changed(world.jobs()[-1])
    trained = world.jobs()
    world.go_live(world.models()[-1].version)
    is_by_time = "time" in definition["data"]
    world.ready(world.dataset(4 if is_by_time else 1, last="2026-01-01T00:00:00Z"))
    world.tick(120)
    assert [job.job_id for job in world.jobs()] == [job.job_id for job in trained]
    assert len(world.sagemaker.created) == len(trained) == 2
