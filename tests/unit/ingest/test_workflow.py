"""One upload, one READY row, one manifest, one story on the bus: whatever is repeated, lost or killed."""

import io
import threading
from datetime import timedelta

import pytest
from chalicelib.ingest.catalog import Catalog
from chalicelib.ingest.leases import LEASE, renewing
from chalicelib.ingest.raw_objects import RawObjects
from chalicelib.ingest.reconcile import reconcile
from chalicelib.ingest.workflow import MAX_ATTEMPTS, advance, handle_upload

from shared.clock import LEASE_MARGIN, to_text
from shared.entities.dataset import DatasetState
from shared.errors import ConditionFailed, Unavailable
from shared.events import DatasetVersionReady
from tests.unit.ingest.crashes import Fuse, Killed, fused_adapters, manifests, versions


def test_a_retried_event_goes_on_at_once_after_a_failure(world, csv):
    upload = world.put(csv())
    with pytest.raises(Unavailable):
        handle_upload(upload, "same-id", fused_adapters(world, Fuse(4, Unavailable, after=False)))
    assert world.handle_as("same-id", upload).state is DatasetState.READY


def test_a_killed_attempt_is_taken_over_at_once_by_lambdas_own_retry(world, csv):
    upload = world.put(csv())
    with pytest.raises(Killed):
        handle_upload(upload, "same-id", fused_adapters(world, Fuse(6, Killed, after=False)))
    assert world.row(upload).state is DatasetState.VALIDATING
    assert world.handle_as("same-id", upload).state is DatasetState.READY


@pytest.mark.usefixtures("replayed")
def test_a_duplicate_event_does_nothing_but_repeat_what_was_not_told(world, csv):
    upload = world.put(csv())
    for _ in range(3):
        world.handle(upload)
    assert len(world.bus.events) == 1
    assert world.row(upload).attempt == 1
    row = world.row(upload)
    world.datasets.rows[(row.pipeline, row.version)]["attention"] = "open"
    world.handle(upload)
    assert len(world.bus.events) == 2


def test_a_live_lease_keeps_everyone_else_out(world, csv):
    upload = world.put(csv())
    catalog = Catalog(world.datasets)
    row = catalog.receive(upload, world.clock())
    world.claim(row, "a")
    world.clock.advance(LEASE.total_seconds() + LEASE_MARGIN.total_seconds() - 1)
    assert catalog.claim(row, "b", world.clock(), LEASE) is None
    world.clock.advance(1)
    assert world.claim(row, "b").attempt == 2


def test_an_attempt_at_work_keeps_its_lease_and_one_that_lost_it_does_not_get_it_back(world, csv):
    upload = world.put(csv())
    catalog = Catalog(world.datasets)
    mine = world.claim(catalog.receive(upload, world.clock()), "a")
    for _ in range(5):
        world.clock.advance(LEASE.total_seconds())
        assert catalog.renew(mine, world.clock(), LEASE)
        assert catalog.claim(mine, "b", world.clock(), LEASE) is None
    world.clock.advance(600)
    world.claim(mine, "b")
    assert not catalog.renew(mine, world.clock(), LEASE)


def test_a_lease_is_renewed_beside_the_work_until_it_is_lost_or_the_work_is_done():
    answers, asked = iter([True, True, False]), threading.Semaphore(0)

    def renew() -> bool:
        asked.release()
        return next(answers)

    with renewing(renew, every_s=0.001):
        for _ in range(3):
            assert asked.acquire(timeout=10)
    assert next(answers, None) is None
    assert "lease" not in {thread.name for thread in threading.enumerate()}


def test_an_attempt_that_lost_its_lease_cannot_finish(world, csv):
    upload = world.put(csv())
    catalog = Catalog(world.datasets)
    slow = world.claim(catalog.receive(upload, world.clock()), "slow")
    world.clock.advance(3600)
    world.claim(slow, "quick")
    with pytest.raises(ConditionFailed):
        catalog.finish_rejected(slow, ("empty_file", "x"), {}, world.clock())
    catalog.release(slow, world.clock())
    assert world.row(upload).lease_until is not None


def test_the_same_owner_in_a_later_attempt_shuts_its_own_earlier_one_out(world, csv):
    upload = world.put(csv())
    catalog = Catalog(world.datasets)
    first = world.claim(catalog.receive(upload, world.clock()), "same")
    world.claim(first, "same")
    with pytest.raises(ConditionFailed):
        catalog.finish_rejected(first, ("empty_file", "x"), {}, world.clock())


@pytest.mark.parametrize("state", ["READY", "REJECTED", "FAILED"])
def test_a_version_at_rest_is_never_claimed_again(world, csv, state):
    upload = world.put(csv())
    catalog = Catalog(world.datasets)
    row = catalog.receive(upload, world.clock())
    world.datasets.rows[(row.pipeline, row.version)]["state"] = state
    assert catalog.claim(row, "anyone", world.clock(), LEASE) is None
    assert catalog.fail(row, "x", world.clock()) is None


def test_ordinals_count_the_uploads_of_a_pipeline_whatever_becomes_of_them(world, csv):
    ordinals = [world.upload(body, f"{i}.csv").ordinal for i, body in enumerate((b"", csv(), b"x"))]
    world.define("other")
    assert [*ordinals, world.upload(b"", key="incoming/other/x.csv").ordinal] == [1, 2, 3, 1]


def test_two_events_at_the_same_moment_make_one_row(world, csv):
    class Early(Catalog):
        """Looks before the quick one writes, and writes after it."""

        def find(self, pipeline, version):
            return None

    upload = world.put(csv())
    quick = Catalog(world.datasets).receive(upload, world.clock())
    world.clock.advance(5)
    assert Early(world.datasets).receive(upload, world.clock()) == quick
    assert world.row(upload) == quick


@pytest.mark.usefixtures("replayed")
def test_a_whole_manifest_is_taken_over_as_it_is_by_whatever_code_comes_next(world, csv):
    upload = world.put(csv())
    catalog = Fuse(1, Killed, after=False).wrap(Catalog(world.datasets), "finish_ready")
    with pytest.raises(Killed):
        handle_upload(upload, "same-id", world.adapters(catalog=catalog, code_version="old"))
    row = world.handle_as("same-id", upload, code_version="new")
    assert row.state is DatasetState.READY
    assert world.manifest(row).code_version == "old"


@pytest.mark.usefixtures("replayed")
def test_a_space_or_a_plus_in_a_key_is_part_of_the_name(world, csv):
    row = world.upload(csv(), "my file+1 %20 é.csv")
    assert (row.state, row.key) == (DatasetState.READY, "incoming/trips/my file+1 %20 é.csv")


def test_equal_file_names_do_not_overwrite_each_other(world, csv):
    world.define("other")
    rows = [
        world.upload(csv(), "data.csv"),
        world.upload(csv(start=500), "data.csv"),
        world.upload(csv(start=900), key="incoming/other/data.csv"),
    ]
    assert [row.state for row in rows] == [DatasetState.READY] * 3
    assert len(manifests(world)) == 3
    assert {world.manifest(row).raw.sha256 for row in rows} == {row.content_sha256 for row in rows}


@pytest.mark.usefixtures("replayed")
def test_the_same_content_again_is_a_duplicate_of_the_first_and_says_so(world, csv):
    first = world.upload(csv(), "a.csv")
    assert first.row_count == 200
    again = world.upload(csv(), "b.csv")
    assert (again.state, again.duplicate_of) == (DatasetState.READY, first.version)
    assert again.manifest_uri == first.manifest_uri
    assert world.bus.named(DatasetVersionReady)[-1].duplicate_of == first.version
    assert Catalog(world.datasets).read.ready("trips") == [first]


@pytest.mark.usefixtures("replayed")
def test_the_same_content_again_is_known_before_a_file_of_it_is_written(world, csv):
    world.upload(csv(), "a.csv")
    again = world.upload(csv(), "b.csv")
    assert [key for key in world.data.versions if again.version in key] == []


def test_content_that_was_rejected_may_come_again(world):
    body = b"id,delayed\n" + b"".join(b"%d,true\n" % i for i in range(60))
    assert world.upload(body, "a.csv").reason == "missing_column"
    world.define(target="delayed")
    again = world.upload(body, "b.csv")
    assert (again.state, again.duplicate_of) == (DatasetState.READY, None)


@pytest.mark.usefixtures("replayed")
def test_of_two_attempts_at_equal_content_the_later_to_finish_is_the_duplicate(world, csv):
    one, two = world.put(csv(), "one.csv"), world.put(csv(), "two.csv")

    class Late(Catalog):
        def holder(self, pipeline, content_sha256):
            found = super().holder(pipeline, content_sha256)
            if found is None:
                world.handle(two)
            return found

    row = world.handle_as("first", one, catalog=Late(world.datasets))
    assert row.duplicate_of == two.version
    assert world.row(two).duplicate_of is None


@pytest.mark.parametrize("arrived", [0, 10, 30, 1000, 3000])
def test_a_stream_that_ends_early_is_retried_and_never_a_shorter_dataset(world, csv, arrived):
    body = csv() + b'1,2.5,"AA",true\n'
    upload = world.put(body)
    broken = type(world.incoming)("incoming")
    broken.versions = world.incoming.versions
    broken.stream = lambda info, **_: io.BytesIO(body[:arrived])
    with pytest.raises(Unavailable, match="arrived"):
        world.handle(upload, raw=RawObjects(broken))
    assert world.handle(upload).rows_good == 201


def test_a_stream_that_ends_inside_a_quoted_value_is_not_blamed_on_the_data(world, csv):
    body = csv() + b'1,2.5,"AA",true\n'
    upload = world.put(body)
    broken = type(world.incoming)("incoming")
    broken.versions = world.incoming.versions
    broken.stream = lambda info, **_: io.BytesIO(body[: body.index(b'"') + 2])
    with pytest.raises(Unavailable, match="arrived"):
        world.handle(upload, raw=RawObjects(broken))


@pytest.mark.usefixtures("replayed")
def test_a_version_that_no_attempt_can_finish_becomes_failed_and_stays_visible(world, csv):
    upload = world.put(csv())
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(Unavailable):
            handle_upload(upload, "x", fused_adapters(world, Fuse(5, Unavailable, after=False)))
    row = world.handle(upload)
    assert (row.state, row.attempt) == (DatasetState.FAILED, MAX_ATTEMPTS)
    assert "upload the file again" in row.detail
    assert world.bus.events == []
    assert world.measured[-1][0].state is DatasetState.FAILED


def test_the_last_attempt_is_not_failed_while_its_lease_lives(world, csv):
    upload = world.put(csv())
    catalog = Catalog(world.datasets)
    row = catalog.receive(upload, world.clock())
    for _ in range(MAX_ATTEMPTS):
        row = world.claim(row, "same")
    assert advance(row, "other", world.adapters()).state is DatasetState.VALIDATING


@pytest.mark.usefixtures("replayed")
def test_an_upload_whose_event_was_lost_is_found_by_the_second_tick(world, csv):
    upload = world.put(csv())
    _age(world, timedelta(minutes=1))
    assert reconcile("tick-1", world.adapters()) == 0
    _age(world, timedelta(minutes=3))
    assert reconcile("tick-2", world.adapters()) == 1
    assert world.row(upload).state is DatasetState.READY


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("incoming/nowhere/a.csv", "unknown_pipeline"),
        ("incoming/a.csv", "bad_key"),
        ("incoming/a/b/c.csv", "bad_key"),
    ],
)
def test_an_upload_into_no_pipelines_folder_whose_event_was_lost_is_rejected_all_the_same(
    world, csv, key, reason
):
    upload = world.put(csv(), key=key)
    _age(world, timedelta(minutes=3))
    assert reconcile("tick", world.adapters()) == 1
    assert (world.row(upload).state, world.row(upload).reason) == (DatasetState.REJECTED, reason)


def test_old_objects_are_left_alone(world, csv):
    world.put(csv())
    _age(world, timedelta(hours=25))
    assert reconcile("tick", world.adapters()) == 0


def test_a_tick_leaves_a_fresh_row_to_its_own_event(world, csv):
    Catalog(world.datasets).receive(world.put(csv()), world.clock())
    assert reconcile("tick", world.adapters()) == 0


@pytest.mark.parametrize("failure", [Unavailable("S3 is slow"), ValueError("nobody foresaw this")])
def test_one_failing_version_does_not_keep_a_tick_from_the_others(world, csv, failure):
    bad, good = world.put(csv(), "a.csv"), world.put(csv(start=300), "b.csv")
    catalog = Catalog(world.datasets)
    for upload in (bad, good):
        catalog.receive(upload, world.clock())
    world.clock.advance(120)

    class Slow(RawObjects):
        def head(self, key, version_id=None):
            if key.endswith("a.csv"):
                raise failure
            return super().head(key, version_id)

    assert reconcile("tick", world.adapters(raw=Slow(world.incoming))) == 1
    assert world.row(good).state is DatasetState.READY
    assert world.row(bad).state is DatasetState.VALIDATING


def test_a_folder_object_is_ignored(world):
    assert handle_upload(world.put(b"", key="incoming/trips/"), "x", world.adapters()) is None
    assert versions(world) == []


@pytest.mark.usefixtures("replayed")
def test_the_metrics_of_an_upload_are_measured_once(world, csv):
    upload = world.put(csv())
    world.handle(upload)
    world.handle(upload)
    ((row, _),) = world.measured
    assert (row.row_count, row.size_bytes) == (200, len(csv()))
    assert to_text(world.clock()) == row.updated_at


def _age(world, age):
    """Make every object *age* old by the service's clock."""
    newest = max(modified for history in world.incoming.versions.values() for _, _, modified in history)
    world.clock.now = newest + age


def test_an_upload_that_was_overwritten_before_any_event_is_found_too(world, csv):
    uploads = [world.put(csv(start=start)) for start in (0, 300)]
    _age(world, timedelta(minutes=3))
    for tick in range(2):
        reconcile(f"tick-{tick}", world.adapters())
    assert {world.row(upload).state for upload in uploads} == {DatasetState.READY}
