"""Batches that a transform job answers: never asked twice, in order, whole whatever SageMaker does."""

from typing import Any

import msgspec
import pytest
from chalicelib.inference.ports import TransformState
from chalicelib.inference.workflow import batch_work

from docs.aws_errors.outcomes import Outcome
from shared.errors import Broken, QuotaExceeded
from tests.aws_faults import raised_at
from tests.unit.inference.breaking import Breaking
from tests.unit.inference.fake_transforms import FakeTransforms
from tests.unit.inference.fakes import answer_of
from tests.unit.inference.rest import release
from tests.unit.inference.test_batches import (
    BATCHES,
    Crash,
    begin,
    csv,
    outside,
    post,
    refuse,
    result,
    show,
    work,
)

STOP = BATCHES + "/{id}/stop"
LIMIT_BYTES = 2000
CREATE = raised_at("SageMakerTransforms.create", "CreateTransformJob")


@pytest.fixture
def few(monkeypatch):
    """Payloads have 500 rows."""
    monkeypatch.setattr("chalicelib.inference.workflow.batch_transform.PAYLOAD_ROWS", 500)


@pytest.fixture
def jobs(live, module):
    """SageMaker's transform jobs, of the files that have 2,000 bytes or more."""
    stage = live.stage
    jobs = FakeTransforms(stage.data)
    stage.batching = msgspec.structs.replace(
        stage.batching, transforms=jobs, transform_from_bytes=LIMIT_BYTES
    )
    module.wiring.batching = stage.batching
    return jobs


def ended(live, jobs, batch, **how):
    """Run the job of a batch and return the batch after its event."""
    jobs.run(**how)
    work(live, batch)
    return show(live, batch)


def test_the_size_of_the_input_decides_who_answers(live, jobs):
    large, small = csv(100), csv(10)
    assert len(small) < LIMIT_BYTES < len(large)
    ways = [show(live, begin(live, text, f"{n}.csv"))["way"] for n, text in enumerate((large, small))]
    uploaded = post(live, {"file": "mine.csv"}).body
    live.stage.data.write(uploaded["upload"]["fields"]["key"], large.encode())
    started = post(live, {}, BATCHES + "/{id}/start", id=uploaded["id"]).body
    assert [*ways, started["way"]] == ["transform", "endpoint", "transform"]


def test_a_large_file_is_predicted_in_order_and_its_bad_rows_are_explained(live, jobs):
    batch = begin(live, csv(1203, bad={3, 700}))
    work(live, batch)
    told = show(live, batch)
    assert (told["state"], told["rows"], told["failed"], told["progress"]) == ("RUNNING", 1203, 2, 0.5)
    assert told["transform_job"] == f"headrace-test-batch-{batch}-a1"
    before = len(live.stage.runtime.asked)
    told = ended(live, jobs, batch)
    assert (told["state"], told["rows"], told["failed"], told["progress"]) == ("SUCCEEDED", 1203, 2, 1.0)
    rows = result(live, batch)
    assert [row["row"] for row in rows] == [n for n in range(1, 1204) if n not in {3, 700}]
    expected = answer_of("v1", {"distance": 1200})
    assert (rows[-4]["row"], rows[-4]["value"], rows[-4]["scores"]) == (1200, expected.value, expected.scores)
    assert [one["row"] for one in result(live, batch, "rejects")] == [3, 700]
    # All by the job: the endpoint was not asked, and the batch's model is gone with it.
    assert (len(live.stage.runtime.asked), jobs.models) == (before, set())


def test_payloads_are_as_large_as_what_reads_them_takes(live, jobs):
    lines = "\n".join(f'{{"distance": {n}, "carrier": "AA"}}' for n in range(2100))
    batches = [begin(live, csv(2100)), begin(live, lines, "mine.ndjson")]
    for batch in batches:
        work(live, batch)
        assert ended(live, jobs, batch)["state"] == "SUCCEEDED"
        assert len(result(live, batch)) == 2100
    assert [len(jobs.asked(name)) for name in jobs.plans] == [3, 3]


def test_the_job_asks_the_signed_model_of_the_version_isolated_as_a_role_of_its_own(live, jobs):
    batch = begin(live, csv(100))
    work(live, batch)
    (plan,) = jobs.plans.values()
    model = live.stage.adapters.models.get("flights", "v1")
    assert plan.model["PrimaryContainer"]["ModelDataUrl"] == model.artifact_uri
    assert (plan.model["ExecutionRoleArn"], plan.model["EnableNetworkIsolation"]) == ("batch-role-arn", True)
    assert len(plan.name) <= 63


def test_a_model_that_is_not_what_was_signed_answers_no_batch(live, jobs):
    batch = begin(live, csv(100))
    live.stage.bucket.write("models/flights/v1/model.tar.gz", b"another")
    work(live, batch)
    assert (show(live, batch)["state"], jobs.plans) == ("FAILED", {})


def test_a_second_worker_and_every_tick_find_the_job_that_is_there(live, jobs):
    batch = begin(live, csv(100))
    for _ in range(3):
        work(live, batch)
    assert list(jobs.plans) == [f"headrace-test-batch-{batch}-a1"]


def test_the_event_of_the_job_lets_its_batch_go_on_and_other_jobs_nothing(live, jobs):
    batch = begin(live, csv(100))
    work(live, batch)
    live.stage.begun.clear()
    (plan,) = jobs.plans.values()
    batch_work.on_job_ended(live.stage.batching, plan.job)
    batch_work.on_job_ended(live.stage.batching, {"TransformOutput": {"S3OutputPath": "s3://data/other"}})
    batch_work.on_job_ended(live.stage.batching, {})
    assert live.stage.begun == [("flights", batch)]


@pytest.mark.usefixtures("few")
def test_a_job_that_sagemaker_fails_is_followed_by_one_for_what_has_no_answer(live, jobs):
    batch = begin(live, csv(1203))
    work(live, batch)
    told = ended(live, jobs, batch, lose=("000001.json",), failed="InternalServerError: we are sorry")
    assert (told["state"], told["transform_job"][-3:]) == ("RUNNING", "-a2")
    assert [key[-11:] for key in jobs.asked(told["transform_job"])] == ["000001.json"]
    assert ended(live, jobs, batch)["state"] == "SUCCEEDED"
    assert [row["row"] for row in result(live, batch)] == list(range(1, 1204))


@pytest.mark.usefixtures("few")
def test_after_three_jobs_the_endpoint_answers_the_rest(live, jobs):
    batch = begin(live, csv(600))
    work(live, batch)
    for _ in range(3):
        told = ended(live, jobs, batch, lose=("000001.json",), failed="CapacityError: none left")
    assert (told["state"], told["transform_job"][-3:]) == ("SUCCEEDED", "-a3")
    assert [row["row"] for row in result(live, batch)] == list(range(1, 601))


@pytest.mark.usefixtures("few")
def test_the_record_that_the_model_refuses_is_found_and_explained_by_the_endpoint(live, jobs, monkeypatch):
    refuse(live, monkeypatch, 507, "it is 507")
    batch = begin(live, csv(1203))
    work(live, batch)
    reason = "ClientError: Bad HTTP status received from algorithm: 400"
    told = ended(live, jobs, batch, lose=("000001.json",), failed=reason)
    assert (told["state"], told["failed"], len(jobs.plans)) == ("SUCCEEDED", 1, 1)
    (bad,) = result(live, batch, "rejects")
    assert (bad["row"], "it is 507" in bad["errors"][0]["detail"]) == (507, True)
    assert [row["row"] for row in result(live, batch)] == [n for n in range(1, 1204) if n != 507]


@pytest.mark.usefixtures("few")
def test_a_payload_too_large_for_a_job_goes_through_the_endpoint(live, jobs, monkeypatch):
    monkeypatch.setattr("chalicelib.inference.workflow.batch_transform.PAYLOAD_MB", 0.01)
    batch = begin(live, csv(1203))
    work(live, batch)
    (name,) = jobs.plans
    # 203 of the short rows fit into 10 KB, 500 do not.
    assert [key[-11:] for key in jobs.asked(name)] == ["000002.json"]
    assert ended(live, jobs, batch)["state"] == "SUCCEEDED"
    assert len(result(live, batch)) == 1203


def test_a_batch_waits_for_an_instance_however_long_and_says_so(live, jobs):
    batch = begin(live, csv(100))
    for _ in range(40):
        jobs.refused = [QuotaExceeded("create transform job: the limit is 0 instances")]
        work(live, batch)
        live.stage.clock.advance(60)
    told = show(live, batch)
    assert (told["state"], "limit is 0" in told["waits_for"]) == ("RUNNING", True)
    work(live, batch)
    told = ended(live, jobs, batch)
    assert (told["state"], told.get("waits_for")) == ("SUCCEEDED", None)


def test_when_a_job_ends_the_batch_that_waits_longest_for_an_instance_is_the_first_to_look(live, jobs):
    batches = []
    for number in range(3):
        batches.append(begin(live, csv(100), f"{number}.csv"))
        live.stage.clock.advance(1)
    running, first, second = batches
    work(live, running)
    # The older one was refused last: its row is the newer one.
    for batch in (second, first):
        jobs.refused = [QuotaExceeded("create transform job: the limit is 1 instance")]
        work(live, batch)
        live.stage.clock.advance(10)
    live.stage.begun.clear()
    batch_work.on_job_ended(live.stage.batching, next(iter(jobs.plans.values())).job)
    assert live.stage.begun == [("flights", running), ("flights", first)]


@pytest.mark.parametrize("fault", CREATE)
def test_a_batch_whose_job_aws_refuses_goes_on_when_it_can_or_ends(live, jobs, fault):
    outcome, error = CREATE[fault]
    batch = begin(live, csv(100))
    jobs.refused = [error]
    work(live, batch)
    if outcome is Outcome.REJECT:
        assert show(live, batch)["state"] == "FAILED"
        return
    assert show(live, batch)["state"] == "RUNNING"
    work(live, batch)
    assert ended(live, jobs, batch)["state"] == "SUCCEEDED"


def test_a_batch_that_lacks_a_permission_ends_though_it_may_not_even_tidy_up(live, jobs, monkeypatch):
    def refuse_too(_: str) -> None:
        raise Broken("no sagemaker:DeleteModel")

    monkeypatch.setattr(jobs, "forget", refuse_too)
    batch = begin(live, csv(100))
    ticks = 0
    while show(live, batch)["state"] == "RUNNING" and ticks < 40:
        jobs.refused = [Broken("no iam:PassRole")]
        work(live, batch)
        live.stage.clock.advance(60)
        ticks += 1
    assert (ticks, show(live, batch)["state"]) == (31, "FAILED")


def test_a_job_that_somebody_stopped_in_sagemaker_fails_the_batch_with_the_reason(live, jobs):
    batch = begin(live, csv(100))
    work(live, batch)
    (name,) = jobs.jobs
    jobs.jobs[name] = TransformState(status="Stopped")
    work(live, batch)
    told = show(live, batch)
    assert (told["state"], "stopped in SageMaker" in told["reason"], jobs.models) == ("FAILED", True, set())


def test_a_file_without_a_good_row_needs_no_job(live, jobs):
    batch = begin(live, csv(100, bad=set(range(1, 101))))
    work(live, batch)
    told = show(live, batch)
    assert (told["state"], told["failed"], jobs.plans) == ("SUCCEEDED", 100, {})


def test_answers_that_are_not_of_the_contract_fail_the_batch_at_once(live, jobs):
    batch = begin(live, csv(100))
    work(live, batch)
    jobs.run()
    live.stage.data.write(f"batch/flights/{batch}/transform/out/000000.json.out", b'{"predictions": []}')
    work(live, batch)
    told = show(live, batch)
    assert (told["state"], "0 answers to 100 records" in told["reason"]) == ("FAILED", True)


def test_all_of_it_is_answered_by_the_version_that_was_live_when_it_began(live, jobs):
    batch = begin(live, csv(100))
    release(live, "v2", "v1")
    live.stage.monotonic += 5
    work(live, batch)
    (plan,) = jobs.plans.values()
    assert "/v1/" in plan.model["PrimaryContainer"]["ModelDataUrl"]
    assert ended(live, jobs, batch)["model_version"] == "v1"


@pytest.mark.usefixtures("few")
def test_a_batch_that_runs_out_of_time_is_cut_and_collected_in_as_many_runs_as_it_takes(live, jobs):
    batch = begin(live, csv(1203))
    seen = []
    while (told := show(live, batch))["state"] == "RUNNING":
        seen.append(told["progress"])
        work(live, batch, portions=1)
        jobs.run()
    assert seen == sorted(seen)
    assert len(seen) > 6
    assert [row["row"] for row in result(live, batch)] == list(range(1, 1204))


@pytest.mark.usefixtures("few")
def test_a_large_batch_that_crashes_at_any_call_ends_with_the_same_result_and_one_job(
    live, jobs, monkeypatch
):
    text = csv(1100, bad={5})
    whole = begin(live, text)
    work(live, whole)
    ended(live, jobs, whole)
    jobs.plans.clear()
    batch = begin(live, text)
    methods = [*outside(live.stage), *((jobs, name) for name in ("create", "describe", "forget"))]
    crashing = Breaking(monkeypatch, methods, Crash())
    state: dict[str, Any] = {"state": "RUNNING"}
    while state["state"] == "RUNNING":
        crashing.at, crashing.calls = crashing.at + 1, 0
        try:
            work(live, batch)
        except Crash:
            # Nobody has the lease any more once it is over.
            live.stage.clock.advance(200)
        else:
            at, crashing.at = crashing.at, -1
            jobs.run()
            crashing.at = at
        at, crashing.at = crashing.at, -1
        state = show(live, batch)
        crashing.at = at
    assert crashing.at > 10
    crashing.at = -1
    assert (state["state"], state["rows"], state["failed"]) == ("SUCCEEDED", 1100, 1)
    assert len(jobs.plans) == 1
    for name in ("predictions", "rejects"):
        assert result(live, batch, name) == result(live, whole, name)


def stop(live, batch):
    return post(live, {}, STOP, id=batch)


def test_a_batch_that_waits_for_its_file_is_stopped_at_once(live, jobs):
    batch = post(live, {"file": "mine.csv"}).body["id"]
    for _ in range(2):
        answer = stop(live, batch)
        assert (answer.status, answer.body["state"]) == (200, "STOPPED")
    assert post(live, {}, BATCHES + "/{id}/start", id=batch).body["state"] == "STOPPED"


def test_a_running_batch_stops_at_its_next_portion(live, jobs, monkeypatch):
    batch = begin(live, csv(20))
    invoke = live.stage.runtime.invoke

    def meanwhile(*args):
        live.stage.runtime.invoke = invoke
        assert stop(live, batch).body["state"] == "STOPPING"
        return invoke(*args)

    live.stage.runtime.invoke = meanwhile
    work(live, batch)
    told = show(live, batch)
    assert (told["state"], told["rows"], told.get("result_url")) == ("STOPPED", 20, None)
    assert stop(live, batch).status == 200


def test_stopping_a_large_batch_stops_its_job_and_waits_for_its_end(live, jobs):
    batch = begin(live, csv(100))
    work(live, batch)
    live.stage.begun.clear()
    answer = stop(live, batch)
    assert (answer.status, answer.body["state"], live.stage.begun) == (202, "STOPPING", [("flights", batch)])
    for _ in range(2):
        work(live, batch)
    (name,) = jobs.jobs
    assert (show(live, batch)["state"], jobs.stopped) == ("STOPPING", [name])
    jobs.jobs[name] = TransformState(status="Stopped")
    batch_work.go_on(live.stage.batching)
    work(live, batch)
    assert (show(live, batch)["state"], jobs.models) == ("STOPPED", set())
    batch_work.go_on(live.stage.batching)
    assert live.stage.begun.count(("flights", batch)) == 2


def test_a_batch_that_has_ended_is_not_stopped_any_more(live, jobs):
    batch = begin(live, csv(10))
    work(live, batch)
    answer = stop(live, batch)
    assert (answer.status, answer.body["state"]) == (200, "SUCCEEDED")


def test_a_stop_before_the_job_is_made_makes_none(live, jobs):
    batch = begin(live, csv(100))
    work(live, batch, portions=1)
    stop(live, batch)
    work(live, batch)
    assert (show(live, batch)["state"], jobs.plans) == ("STOPPED", {})
