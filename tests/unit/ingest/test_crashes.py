"""Whatever ends at whatever step, the next attempts bring the upload to one end."""

import pytest
from chalicelib.ingest.workflow import handle_upload

from shared.errors import Unavailable
from shared.events import DatasetVersionRejected
from tests.unit.ingest.crashes import Fuse, Killed, assert_one_ready_version, fused_adapters, heal, versions

STEPS = range(1, 20)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("error", [Killed, Unavailable])
@pytest.mark.parametrize("step", STEPS)
def test_a_crash_at_any_step_still_ends_in_one_ready_version(replayed, csv, step, error, after):
    world = replayed
    upload = world.put(csv())
    fuse = Fuse(step, error, after=after)
    if step == STEPS[-1]:
        handle_upload(upload, "first", fused_adapters(world, fuse))
        assert not fuse.blown  # the steps before this one are all there are
        return
    with pytest.raises(error):
        handle_upload(upload, "first", fused_adapters(world, fuse))
    if not versions(world):
        world.handle(upload)  # Lambda repeats the event; a lost one is found in the bucket, tested below
    heal(world)
    assert_one_ready_version(world)


@pytest.mark.parametrize("error", [Killed, Unavailable])
@pytest.mark.parametrize("step", range(4, 8))
def test_a_crash_while_rejecting_still_ends_in_one_rejected_version(world, step, error):
    upload = world.put(b"")
    with pytest.raises(error):
        handle_upload(upload, "first", fused_adapters(world, Fuse(step, error, after=False)))
    heal(world)
    (row,) = versions(world)
    assert (row["state"], row["reason"]) == ("REJECTED", "empty_file")
    assert {type(event) for event in world.bus.events} == {DatasetVersionRejected}
