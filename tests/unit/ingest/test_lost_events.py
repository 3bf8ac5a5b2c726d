"""Uploads that no event told of: the tick finds them, without reading every row of the day each minute."""

from collections import Counter
from datetime import timedelta

import pytest
from chalicelib.ingest.catalog import Catalog
from chalicelib.ingest.reconcile import MAX_LOOKED_UP, MAX_WORK, reconcile

from tests.unit.ingest.world import World

pytestmark = pytest.mark.usefixtures("replayed")
MINUTES = 30


class CountingCatalog(Catalog):
    """Counts how often each upload's row was looked up."""

    def __init__(self, world: World) -> None:
        super().__init__(world.datasets)
        self.looked_up: Counter[str] = Counter()

    def find(self, pipeline, version):
        self.looked_up[version] += 1
        return super().find(pipeline, version)


def lookups(world, uploads, age):
    """Return how often each of *uploads* was looked up in half an hour from *age* on."""
    for upload in uploads:
        row = Catalog(world.datasets).receive(upload, world.clock())
        world.datasets.rows[row.pipeline, row.version].pop("attention", None)
    catalog = CountingCatalog(world)
    newest = max(modified for history in world.incoming.versions.values() for _, _, modified in history)
    for minute in range(MINUTES):
        world.clock.now = newest + age + timedelta(minutes=minute)
        reconcile(f"tick-{minute}", world.adapters(catalog=catalog))
    return {upload.version: catalog.looked_up[upload.version] for upload in uploads}


def test_an_upload_is_looked_up_each_minute_at_first_and_every_ten_minutes_later(world, csv):
    uploads = [world.put(csv(), f"{number}.csv") for number in range(20)]
    assert set(lookups(world, uploads, timedelta(minutes=2)).values()) == {3 + 2, 3 + 3}
    assert set(lookups(world, uploads, timedelta(hours=3)).values()) == {3}


def test_each_of_many_uploads_has_its_turn(world, csv):
    """Also while others come and go before it in the list."""
    uploads = [world.put(csv(), f"{number}.csv") for number in range(MAX_LOOKED_UP * 3 // 2)]
    assert min(lookups(world, uploads, timedelta(hours=3)).values()) >= 1


def test_of_old_uploads_whose_events_were_lost_each_is_found(world, csv):
    uploads = [world.put(csv(), f"{number}.csv") for number in range(3)]
    newest = max(modified for history in world.incoming.versions.values() for _, _, modified in history)
    for minute in range(10):
        world.clock.now = newest + timedelta(hours=3, minutes=minute)
        reconcile(f"tick-{minute}", world.adapters())
    assert {world.row(upload).state.value for upload in uploads} == {"READY"}


def test_versions_that_are_overdue_do_not_keep_a_lost_upload_from_being_found(world, csv):
    for number in range(MAX_WORK):
        Catalog(world.datasets).receive(world.put(csv(), f"overdue-{number}.csv"), world.clock())
    lost = world.put(csv(), "lost.csv")
    newest = max(modified for history in world.incoming.versions.values() for _, _, modified in history)
    world.clock.now = newest + timedelta(minutes=3)
    assert reconcile("tick", world.adapters()) == MAX_WORK + 1
    assert world.row(lost).state.value == "READY"
