"""Events that come late, twice, in any order or never, while processes die and dependencies refuse."""

import contextlib
import random
from collections import Counter
from datetime import UTC, datetime

import pytest
from chalicelib.ingest.workflow import handle_upload

from shared.errors import Unavailable
from shared.events import DatasetVersionReady, DatasetVersionRejected, Event
from tests.unit.ingest.crashes import Fuse, Killed, fused_adapters, heal, manifests, versions
from tests.unit.ingest.world import World, make_csv

# Two good files, one overwritten under its key by the other, and one with no row.
FILES = [
    ("a.csv", make_csv(60)),
    ("a.csv", make_csv(60, start=60)),
    ("b.csv", b"id,distance,carrier,late\n"),
    ("c.csv", make_csv(60, start=120)),
]


@pytest.mark.parametrize("seed", range(8))
def test_every_upload_of_a_storm_ends_once(seed):
    chance, world = random.Random(seed), World()
    world.define()
    uploads = [world.put(body, name) for name, body in FILES]
    events = [upload for upload in uploads for _ in range(chance.choice([0, 1, 1, 2, 3]))]
    chance.shuffle(events)
    for place, upload in enumerate(events):
        fuse = Fuse(
            chance.randrange(1, 30), chance.choice([Killed, Unavailable]), after=chance.random() < 0.5
        )
        with contextlib.suppress(Killed, Unavailable):
            handle_upload(upload, f"request-{place}", fused_adapters(world, fuse))
        world.clock.advance(chance.choice([1, 60, 1000]))
    # The objects' own times are the wall clock's: the ticks must come when they are recent.
    world.clock.now = max(world.clock.now, datetime.now(UTC))
    heal(world)
    assert Counter(row["state"] for row in versions(world)) == {"READY": 3, "REJECTED": 1}
    assert all("attention" not in row for row in versions(world))
    assert set(manifests(world).values()) == {1}
    told: dict[str, set[type[Event]]] = {}
    for event in world.bus.events:
        assert isinstance(event, DatasetVersionReady | DatasetVersionRejected)
        told.setdefault(event.version, set()).add(type(event))
    assert sorted(told) == sorted(upload.version for upload in uploads)
    assert all(len(kinds) == 1 for kinds in told.values())
