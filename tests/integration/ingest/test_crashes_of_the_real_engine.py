"""The crashes of tests/unit/ingest, each attempt now with a DuckDB of its own."""

import tempfile
from pathlib import Path

import pytest
from chalicelib.ingest.workflow import handle_upload

from tests.unit.ingest.crashes import Fuse, Killed, assert_one_ready_version, fused_adapters, heal, versions
from tests.unit.ingest.world import World, make_csv


@pytest.mark.parametrize("step", range(1, 18))
def test_an_attempt_killed_at_any_step_leaves_nothing_that_keeps_the_next_from_ready(
    step, tmp_path, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    world = World()
    world.define()
    upload = world.put(make_csv())
    with pytest.raises(Killed):
        handle_upload(upload, "first", fused_adapters(world, Fuse(step, Killed, after=True)))
    if not versions(world):
        world.handle(upload)
    heal(world)
    assert_one_ready_version(world)
    assert list(Path(tmp_path).iterdir()) == []
