"""Whatever ends at whatever step of the hand-over or the collection, the upload comes to one end."""

import contextlib

import pytest
from chalicelib.ingest.catalog import Catalog
from chalicelib.ingest.dataset_files import DatasetFiles
from chalicelib.ingest.formats.reader import Limits
from chalicelib.ingest.processing.job_files import JobFiles
from chalicelib.ingest.raw_objects import RawObjects
from chalicelib.ingest.workflow import handle_job_change, handle_upload

from shared.errors import Unavailable
from tests.unit.ingest.crashes import Fuse, Killed, assert_one_ready_version, heal, versions
from tests.unit.ingest.fake_jobs import FakeJobs
from tests.unit.ingest.world import World, make_csv

# One more than there are: the last one shows that they are all.
HANDING_OVER = range(1, 12)
COLLECTING = range(1, 17)
ERRORS = pytest.mark.parametrize("error", [Killed, Unavailable])
WHEN = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])


class FusedJobs(FakeJobs):
    """The same jobs, whose every call may be the caller's last."""

    def __init__(self, jobs):
        super().__init__(jobs._data)
        self.requests, self.described = jobs.requests, jobs.described


def fused(world, fuse):
    bus = type("Bus", (), {"announce": lambda self, *e, **n: world.bus.announce(*e, **n)})()
    rows = ("receive", "find", "claim", "hand_over", "wait", "finish_ready", "holder", "told")
    return world.adapters(
        raw=fuse.wrap(RawObjects(world.incoming), "head"),
        files=fuse.wrap(DatasetFiles(world.data), "manifest", "read", "size_of", "write_manifest"),
        catalog=fuse.wrap(Catalog(world.datasets), *rows),
        jobs=fuse.wrap(FusedJobs(world.jobs), "create", "describe"),
        job_files=fuse.wrap(JobFiles(world.data, world.incoming), "copy_upload", "write_order", "clear"),
        bus=fuse.wrap(bus, "announce"),
    )


@pytest.fixture
def large():
    world = World()
    world.define()
    world.limits = Limits(max_bytes=1000, hard_max_bytes=1 << 40)
    return world


def run_jobs(world):
    for name, described in list(world.jobs.described.items()):
        if described.status == "InProgress":
            world.jobs.run(name)


def end_well(world):
    """Let time pass, ticks tick and jobs run until there is nothing left to do."""
    heal(world)
    run_jobs(world)
    heal(world)
    assert_one_ready_version(world)
    assert [key for key in world.data.versions if key.startswith("staging/")] == []


@WHEN
@ERRORS
@pytest.mark.parametrize("step", HANDING_OVER)
def test_a_crash_while_handing_over_still_ends_in_one_ready_version(large, step, error, after):
    upload = large.put(make_csv(60, start=10_000))
    fuse = Fuse(step, error, after=after)
    with contextlib.suppress(Killed, Unavailable):
        handle_upload(upload, "first", fused(large, fuse))
    if not after:  # a call that raises by itself, as the question for a job that is not there, has no after
        assert fuse.blown == (step < HANDING_OVER[-1])
    if not versions(large):
        large.handle(upload)  # Lambda repeats the event
    end_well(large)
    assert len(large.jobs.requests) <= 2


@WHEN
@ERRORS
@pytest.mark.parametrize("step", COLLECTING)
def test_a_crash_while_collecting_still_ends_in_one_ready_version(large, step, error, after):
    row = large.upload(make_csv(60, start=10_000))
    run_jobs(large)
    fuse = Fuse(step, error, after=after)
    with contextlib.suppress(Killed, Unavailable):
        handle_job_change(row.processing_job, "first", fused(large, fuse))
    assert fuse.blown == (step < COLLECTING[-1])
    end_well(large)
    # What is made once is not made again.
    assert len(large.jobs.requests) == 1


def test_two_events_at_once_collect_once(large):
    row = large.upload(make_csv())
    run_jobs(large)

    class Slow(DatasetFiles):
        def read(self, pipeline, version, name):
            handle_job_change(row.processing_job, "second", large.adapters())
            return super().read(pipeline, version, name)

    handle_job_change(row.processing_job, "first", large.adapters(files=Slow(large.data)))
    assert_one_ready_version(large)
    assert len(large.bus.events) == 1
