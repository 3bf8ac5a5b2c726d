"""A process that ends at a chosen step, and the ticks that mend what it left."""

from chalicelib.ingest.catalog import Catalog
from chalicelib.ingest.dataset_files import DatasetFiles
from chalicelib.ingest.leases import LEASE
from chalicelib.ingest.raw_objects import RawObjects
from chalicelib.ingest.reconcile import reconcile

from shared.clock import LEASE_MARGIN
from shared.events import DatasetVersionReady

STEPS_OF_THE_CATALOG = (
    "receive",
    "claim",
    "holder",
    "take_schema",
    "finish_ready",
    "finish_rejected",
    "told",
)


class Killed(BaseException):
    """The process ends here: no handler of ours sees it."""


class Fuse:
    """Counts calls of several adapters and ends one of them, before or after its effect."""

    def __init__(self, at: int, error: type[BaseException], *, after: bool) -> None:
        self.left, self.error, self.after = at, error, after
        self.blown = False

    def wrap(self, adapter, *names):
        for name in names:
            setattr(adapter, name, self._fused(getattr(adapter, name)))
        return adapter

    def _fused(self, call):
        def fused(*arguments, **named):
            self.left -= 1
            blows = self.left == 0
            if blows and not self.after:
                self._blow()
            result = call(*arguments, **named)
            if blows:
                self._blow()
            return result

        return fused

    def _blow(self):
        self.blown = True
        raise self.error("the fuse")


class FusedFiles(DatasetFiles):
    """Files whose every write may be the last."""

    def __init__(self, bucket, fuse):
        super().__init__(bucket)
        self._fuse = fuse

    def sink(self, pipeline, version):
        return self._fuse.wrap(super().sink(pipeline, version), "write", "writer")


def fused_adapters(world, fuse):
    """Return adapters over the same rows and objects whose every call may be the last."""
    bus = type("Bus", (), {"announce": lambda self, *e, **n: world.bus.announce(*e, **n)})()
    return world.adapters(
        raw=fuse.wrap(RawObjects(world.incoming), "head", "stream"),
        files=fuse.wrap(FusedFiles(world.data, fuse), "write_manifest", "manifest"),
        catalog=fuse.wrap(Catalog(world.datasets), *STEPS_OF_THE_CATALOG),
        bus=fuse.wrap(bus, "announce"),
    )


def heal(world):
    """Let the lease run out and the ticks do their work."""
    world.clock.advance((LEASE + LEASE_MARGIN).total_seconds() + 1)
    for tick in range(3):
        world.clock.advance(60)
        reconcile(f"tick-{tick}", world.adapters())


def versions(world):
    return [row for row in world.datasets.rows.values() if "ordinal" in row and "state" in row]


def manifests(world):
    return {
        key: len(history) for key, history in world.data.versions.items() if key.endswith("manifest.json")
    }


def assert_one_ready_version(world):
    """Hold *world* to the promise of the service: one READY row, one manifest, one fact on the bus."""
    (row,) = versions(world)
    assert row["state"] == "READY"
    assert "attention" not in row
    assert list(manifests(world).values()) == [1]
    assert {event.identity() for event in world.bus.events} == {world.bus.events[0].identity()}
    assert isinstance(world.bus.events[0], DatasetVersionReady)
