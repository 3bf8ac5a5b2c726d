"""A file that a function cannot finish goes through a processing job and ends as any other."""

import gzip
import os

import msgspec
import pytest
from chalicelib.ingest.formats.reader import Limits
from chalicelib.ingest.processing import plan
from chalicelib.ingest.processing.messages import JobOrder
from chalicelib.ingest.reconcile import reconcile
from chalicelib.ingest.workflow import MAX_ATTEMPTS, handle_job_change

from shared.entities.dataset import DatasetState
from shared.errors import Broken, QuotaExceeded, Unavailable
from shared.events import DatasetVersionReady, DatasetVersionRejected
from tests.unit.ingest.world import PLACE

SMALL = Limits(max_bytes=1000, hard_max_bytes=1 << 40)


@pytest.fixture
def large(world):
    """A world whose functions take no more than 1,000 bytes."""
    world.limits = SMALL
    return world


def run_job(world, row):
    world.jobs.run(row.processing_job)
    done = handle_job_change(row.processing_job, f"event-{row.processing_job}", world.adapters())
    assert done is not None, "the event found no row"
    return done


def tick(world, seconds=60):
    world.clock.advance(seconds)
    reconcile(f"tick-{world.clock()}", world.adapters())


def staged(world):
    return [key for key in world.data.versions if key.startswith("staging/")]


def test_a_large_file_is_handed_over_and_nobody_holds_its_row(large, csv):
    row = large.upload(csv())
    assert (row.state, row.processing_job) == (
        DatasetState.VALIDATING,
        f"headrace-local-ingest-{row.version}-a1",
    )
    assert row.lease_until is None
    assert large.data.read(plan.raw_key("trips", row.version)) == csv()
    assert list(large.jobs.requests) == [row.processing_job]
    assert large.measured == []
    assert large.bus.events == []


def test_how_large_a_file_is_is_known_before_a_byte_of_it_is_read(large, monkeypatch):
    monkeypatch.setattr(large, "build", lambda *_: pytest.fail("the file was opened"))
    row = large.upload(gzip.compress(os.urandom(2000)), "trips.csv.gz")
    assert row.state is DatasetState.VALIDATING
    assert row.processing_job


def test_what_a_job_makes_is_what_a_function_makes(world, csv, tmp_path):
    body = csv() + b"x,2.5,AA,true\n"
    world.define("other")
    by_function = world.upload(body)
    world.limits = SMALL
    by_job = run_job(world, world.upload(body, key="incoming/other/trips.csv"))
    assert (by_job.state, by_job.rows_good, by_job.rows_bad) == (DatasetState.READY, 200, 1)
    assert world.rejects(by_job) == world.rejects(by_function)
    assert world.file(by_job, "profile.json") == world.file(by_function, "profile.json")
    one, other = world.manifest(by_function), world.manifest(by_job)
    assert [part.sha256 for part in one.parts] == [part.sha256 for part in other.parts]
    same = ("rows", "time", "schema", "schema_sha256", "split", "code_version")
    assert [getattr(one, name) for name in same] == [getattr(other, name) for name in same]
    assert (one.raw.sha256, one.raw.size_bytes) == (other.raw.sha256, other.raw.size_bytes)


def test_after_the_end_nothing_of_the_hand_over_is_left(large, csv):
    row = run_job(large, large.upload(csv()))
    assert row.state is DatasetState.READY
    assert staged(large) == []
    assert large.row_of(row).attention is None
    assert [type(event) for event in large.bus.events] == [DatasetVersionReady]


def test_the_tick_collects_what_no_event_told(large, csv):
    row = large.upload(csv())
    large.jobs.run(row.processing_job)
    tick(large)
    assert large.row_of(row).state is DatasetState.READY


def test_events_that_come_twice_late_or_for_another_stage_change_nothing(large, csv):
    row = run_job(large, large.upload(csv()))
    adapters = large.adapters()
    before = large.row_of(row)
    assert handle_job_change(row.processing_job, "again", adapters) == before
    assert handle_job_change(row.processing_job.replace("local", "prod"), "x", adapters) is None
    assert handle_job_change(f"headrace-local-ingest-{'0' * 20}-a1", "x", adapters) is None
    assert len(large.bus.events) == 1


def test_a_packed_file_that_grows_over_the_limit_midway_is_handed_over(world, csv):
    body = gzip.compress(csv(20000))
    world.limits = Limits(max_bytes=len(body) + 1, hard_max_bytes=1 << 40)
    row = world.upload(body, "trips.csv.gz")
    assert row.processing_job is not None
    done = run_job(world, row)
    assert (done.state, done.row_count) == (DatasetState.READY, 20000)


def test_a_refusal_in_a_job_rejects_the_upload_with_its_reason(large):
    row = run_job(large, large.upload(b"id,delayed\n" + b"1,true\n" * 500))
    assert (row.state, row.reason) == (DatasetState.REJECTED, "missing_column")
    assert [type(event) for event in large.bus.events] == [DatasetVersionRejected]
    assert staged(large) == []


def test_the_same_content_again_is_a_duplicate_of_the_first(large, csv):
    first = run_job(large, large.upload(csv(), "a.csv"))
    again = run_job(large, large.upload(csv(), "b.csv"))
    assert (again.state, again.duplicate_of) == (DatasetState.READY, first.version)
    assert "manifest.json" not in {
        key.rpartition("/")[2] for key in large.data.versions if again.version in key
    }


def test_an_upload_replaced_or_deleted_while_its_job_runs_is_still_the_one_that_was_uploaded(large, csv):
    row = large.upload(csv())
    large.incoming.write("incoming/trips/trips.csv", csv(start=900))
    large.incoming.delete("incoming/trips/trips.csv")
    done = run_job(large, row)
    assert (done.state, done.rows_good) == (DatasetState.READY, 200)


@pytest.mark.parametrize("error", [QuotaExceeded("limit is 0"), Unavailable("throttled")])
def test_a_full_quota_is_a_wait_that_costs_no_attempt(large, csv, error):
    large.jobs.refusals = [error] * 3
    row = large.upload(csv())
    for _ in range(40):
        if large.jobs.requests:
            break
        tick(large)
    waited = large.row_of(row)
    assert (waited.attempt, waited.tries) == (1, 3)
    assert str(error) in waited.waiting_reason
    assert run_job(large, waited).state is DatasetState.READY
    assert large.row_of(row).waiting_reason is None


def test_a_wait_grows_and_no_tick_asks_before_it_is_over(large, csv):
    large.jobs.refusals = [QuotaExceeded("full")] * 20
    row = large.upload(csv())
    asked = []
    for _ in range(60):
        before = len(large.jobs.refusals)
        tick(large)
        asked.append(before - len(large.jobs.refusals))
    assert 4 <= sum(asked) <= 10
    assert large.row_of(row).state is DatasetState.VALIDATING


def test_a_request_that_sagemaker_refuses_fails_the_version_and_says_so(large, csv):
    large.jobs.refusals = [Broken("no iam:PassRole on arn:aws:iam::1:role/x")]
    row = large.upload(csv())
    large.jobs.refusals = [Broken("no iam:PassRole on arn:aws:iam::1:role/x")]
    tick(large)
    failed = large.row_of(row)
    assert failed.state is DatasetState.FAILED
    assert "refused the processing job: no iam:PassRole on <arn>" in failed.detail


@pytest.mark.parametrize("status", ["Failed", "Stopped"])
def test_a_job_without_result_is_an_attempt_and_the_last_one_fails_the_version(large, csv, status):
    row = large.upload(csv())
    for _ in range(MAX_ATTEMPTS):
        current = large.row_of(row)
        large.jobs.end(current.processing_job, status, failure_reason="ClientError: s3://a/b is gone")
        tick(large)
    assert len(large.jobs.requests) == MAX_ATTEMPTS
    failed = large.row_of(row)
    assert (failed.state, failed.attempt) == (DatasetState.FAILED, MAX_ATTEMPTS)
    assert "<address> is gone" in failed.detail


def test_a_job_that_ends_badly_once_is_followed_by_one_that_does_not(large, csv):
    row = large.upload(csv())
    large.jobs.end(row.processing_job, "Failed", failure_reason="InternalServerError: we are sorry")
    tick(large)
    second = large.row_of(row)
    assert second.processing_job == f"headrace-local-ingest-{row.version}-a2"
    assert run_job(large, second).state is DatasetState.READY


def test_a_job_that_was_deleted_is_created_again(large, csv):
    row = large.upload(csv())
    large.jobs.delete(row.processing_job)
    tick(large)
    assert run_job(large, row).state is DatasetState.READY


def test_a_program_that_crashes_ends_with_1_and_says_why(large, csv):
    row = large.upload(csv())
    large.data.write(plan.order_key("trips", row.version, 1), b"{}")
    large.jobs.run(row.processing_job)
    described = large.jobs.describe(row.processing_job)
    assert described.status == "Failed"
    assert "ValidationError" in described.exit_message


def spoil_result(world, row):
    world.data.write(f"datasets/trips/{row.version}/result.json", b"{")


def lose_result(world, row):
    world.data.delete(f"datasets/trips/{row.version}/result.json")


def keep_an_older_result(world, row):
    key = f"datasets/trips/{row.version}/result.json"
    world.data.write(key, world.data.read(key).replace(b"-a1", b"-a9"))


def lose_a_part(world, row):
    world.data.delete(f"datasets/trips/{row.version}/train/part-0.parquet")


def shorten_a_part(world, row):
    world.data.write(f"datasets/trips/{row.version}/train/part-0.parquet", b"PAR1")


@pytest.mark.parametrize(
    "spoil", [spoil_result, lose_result, keep_an_older_result, lose_a_part, shorten_a_part]
)
def test_a_completed_job_that_left_no_whole_dataset_is_done_again(large, csv, spoil):
    row = large.upload(csv())
    large.jobs.run(row.processing_job)
    spoil(large, row)
    handle_job_change(row.processing_job, "event", large.adapters())
    again = large.row_of(row)
    assert (again.state, again.manifest_uri) == (DatasetState.VALIDATING, None)
    assert again.processing_job != row.processing_job
    assert run_job(large, again).state is DatasetState.READY


def test_a_first_upload_overtaken_while_its_job_runs_is_held_against_the_quicker_one(large, csv):
    slow = large.upload(csv())
    quick = large.upload(b"id,late\n" + b"".join(b"%d,%d\n" % (i, i % 2) for i in range(90)), "small.csv")
    assert quick.state is DatasetState.READY
    assert run_job(large, slow).state is DatasetState.VALIDATING
    again = run_job(large, large.row_of(slow))
    assert (again.state, again.reason) == (DatasetState.REJECTED, "schema_mismatch")


def test_an_order_says_all_that_the_job_needs(large, csv):
    row = large.upload(csv(), "a naïve+name.csv")
    order = msgspec.json.decode(large.data.read(plan.order_key("trips", row.version, 1)), type=JobOrder)
    assert order.file_name == "a naïve+name.csv"
    assert order.job == row.processing_job
    assert order.order.definition == large.adapters().pipelines.read.definition("trips")
    assert order.order.known is None
    run_job(large, row)
    later = large.upload(csv(start=500), "later.csv")
    known = msgspec.json.decode(
        large.data.read(plan.order_key("trips", later.version, 1)), type=JobOrder
    ).order.known
    assert known is not None
    assert known.plain() == large.manifest(row).schema


def test_many_running_jobs_take_no_turn_from_other_versions(large, csv):
    for number in range(8):
        large.upload(csv(start=number), f"{number}.csv")
    large.limits = Limits(max_bytes=1 << 30, hard_max_bytes=1 << 40)
    upload = large.put(csv(start=99), "small.csv")
    large.adapters().catalog.receive(upload, large.clock())
    tick(large)
    assert large.row(upload).state is DatasetState.READY


def test_the_name_of_a_job_fits_and_names_its_version():
    name = plan.job_name("abcdefgh", "0" * 20, 10**6)
    assert len(name) <= 63
    assert plan.parse_name("abcdefgh", name) == plan.JobName(version="0" * 20, attempt=10**6)
    assert PLACE.stage == "local"
    assert plan.parse_name("local", name) is None
