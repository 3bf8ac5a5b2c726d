"""Several uploads at the same moment: one says first what the columns are, the others are held against it."""

import contextlib
from typing import Any

import pytest
from chalicelib.ingest.catalog import Catalog
from chalicelib.ingest.dataset_files import DatasetFiles
from chalicelib.ingest.engine import open_scratch

from shared.entities.dataset import DatasetState
from shared.errors import Unavailable
from tests.unit.ingest.crashes import Fuse, Killed, heal


def overtaken(world: Any, meanwhile: Any) -> Any:
    """Return what opens the scratch of an upload while *meanwhile* happens, once."""
    events = [meanwhile]

    @contextlib.contextmanager
    def opened() -> Any:
        with open_scratch() as scratch:
            yield scratch
            # The build is done, its verdict not yet written.
            if events:
                events.pop()()

    return opened


def body(distance: str, count: int = 90, extra: str = "") -> bytes:
    header = f"id,distance{extra and ',more'},late\n"
    lines = (f"{i},{distance.format(i)}{extra},{'true' if i % 3 else 'false'}\n" for i in range(count))
    return (header + "".join(lines)).encode()


def test_the_slower_of_two_first_uploads_of_other_columns_is_rejected_with_the_difference(world):
    first, second = world.put(body("{}.5", extra=",1"), "a.csv"), world.put(body("{}.5"), "b.csv")
    world.handle(first, open_scratch=overtaken(world, lambda: world.handle(second)))
    assert world.row(second).state is DatasetState.READY
    assert (world.row(first).state, world.row(first).reason) == (DatasetState.REJECTED, "schema_mismatch")
    assert "more" in world.row(first).detail


def test_the_slower_of_two_first_uploads_takes_the_types_of_the_quicker(world):
    first, second = world.put(body("{}"), "a.csv"), world.put(body("{}.5"), "b.csv")
    world.handle(first, open_scratch=overtaken(world, lambda: world.handle(second)))
    assert {world.row(upload).state for upload in (first, second)} == {DatasetState.READY}
    assert world.types(world.row(first)) == world.types(world.row(second))


def test_a_quicker_upload_that_dies_before_its_manifest_is_waited_for_and_not_forgotten(world):
    first, second = world.put(body("{}.5", extra=",1"), "a.csv"), world.put(body("{}.5"), "b.csv")
    fuse = Fuse(1, Killed, after=False)
    dying = fuse.wrap(DatasetFiles(world.data), "write_manifest")

    def meanwhile():
        with pytest.raises(Killed):
            world.handle_as("quicker", second, files=dying)

    with pytest.raises(Unavailable, match="about to say"):
        world.handle_as("slower", first, open_scratch=overtaken(world, meanwhile))
    world.handle_as("quicker", second)  # Lambda's own retry
    heal(world)
    assert world.row(second).state is DatasetState.READY
    assert (world.row(first).state, world.row(first).reason) == (DatasetState.REJECTED, "schema_mismatch")


def test_an_upload_that_failed_for_good_says_nothing_of_the_columns(world):
    first, second = world.put(body("{}.5", extra=",1"), "a.csv"), world.put(body("{}.5"), "b.csv")
    catalog = Catalog(world.datasets)
    mine = world.claim(catalog.receive(second, world.clock()), "failing")
    assert catalog.take_schema(mine, None, "sha256") is None
    world.clock.advance(3600)
    assert catalog.fail(mine, "gone", world.clock())
    assert world.handle(first).state is DatasetState.READY


def table(count: int, **wider: str) -> bytes:
    """Return rows of two integers, but where *wider* says how the last rows write one."""
    lines = [f"{i},{i % 7},{'true' if i % 3 else 'false'}\n" for i in range(count)]
    lines += [f"{wider.get('a', '1')},{wider.get('b', '1')},true\n" for _ in range(9)]
    return ("a,b,late\n" + "".join(lines)).encode()


def test_of_two_later_uploads_that_widen_the_schema_the_slower_takes_over_what_the_quicker_widened(world):
    assert world.upload(table(90)).state is DatasetState.READY
    slow, quick = world.put(table(91, a="1.5"), "slow.csv"), world.put(table(92, b="2.5"), "quick.csv")
    world.handle(slow, open_scratch=overtaken(world, lambda: world.handle(quick)))
    types = {name: world.types(world.row(upload)) for name, upload in (("slow", slow), ("quick", quick))}
    assert types["quick"] == {"a": "integer", "b": "number", "late": "boolean"}
    assert types["slow"] == {"a": "number", "b": "number", "late": "boolean"}


def test_a_later_upload_that_changes_nothing_is_still_judged_by_what_another_has_widened_meanwhile(world):
    world.upload(table(90))
    slow, quick = world.put(table(91), "slow.csv"), world.put(table(92, b="2.5"), "quick.csv")
    world.handle(slow, open_scratch=overtaken(world, lambda: world.handle(quick)))
    assert world.types(world.row(slow))["b"] == "number"
    assert world.upload(table(93), "next.csv").state is DatasetState.READY


def test_uploads_that_change_nothing_never_wait_for_each_other(world):
    world.upload(table(90))
    slow, quick = world.put(table(91), "slow.csv"), world.put(table(92), "quick.csv")
    built = []

    def opened() -> Any:
        built.append(1)
        return open_scratch()

    world.handle(slow, open_scratch=opened)
    world.handle(quick, open_scratch=opened)
    assert len(built) == 2
