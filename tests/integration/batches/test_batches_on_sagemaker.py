"""Large batches with SageMaker's transform jobs as they are: what it takes, how it answers, what it says of an end."""

import json
from typing import Any

from chalicelib.inference.answers import Answer
from chalicelib.inference.batch_rows import ATTENTION, Batch, BatchState, Way, entry_of
from chalicelib.inference.naming import batch_model_name, transform_name
from chalicelib.inference.workflow import batch_work

from tests.integration.sagemaker.harness import Cloud, refusal, wait_for
from tests.unit.inference.fakes import Stage

ENDED = ("Completed", "Failed", "Stopped")


def begin(stage: Stage, batch_id: str, distances: list[Any]) -> Batch:
    """Begin a batch of one row for each distance, and bring it as far as it goes without its job."""
    key = f"batch/flights/{batch_id}/in/input.csv"
    body = "distance,carrier\n" + "".join(f"{distance},AA\n" for distance in distances)
    stage.batching.bucket.write(key, body.encode())
    info = stage.batching.bucket.head(key)
    batch = Batch(
        pipeline="flights",
        entry=entry_of(batch_id),
        state=BatchState.RUNNING,
        version="v1",
        kind="text/csv",
        input_key=key,
        input_version_id=info.version_id,
        size_bytes=info.size_bytes,
        way=Way.TRANSFORM,
        attention=ATTENTION,
        created_at="2026-01-01T00:00:00Z",
        updated_at="2026-01-01T00:00:00Z",
    )
    stage.batching.batches.add(batch, None, stage.batching.clock())
    return work(stage, batch_id)


def work(stage: Stage, batch_id: str) -> Batch:
    batch_work.work(stage.batching, "flights", batch_id, lambda: True)
    batch: Batch = stage.batching.batches.get("flights", batch_id)
    return batch


def job_of(cloud: Cloud, batch_id: str) -> dict[str, Any]:
    """Return the batch's job once it has ended."""

    def ended() -> dict[str, Any] | None:
        job: dict[str, Any] = cloud.sagemaker.describe_transform_job(
            TransformJobName=transform_name("test", batch_id, 1)
        )
        return job if job["TransformJobStatus"] in ENDED else None

    return wait_for(ended, 90, f"the job of batch {batch_id} ends")


def answering(stage: Stage) -> list[int]:
    """Let the endpoint answer with the distance as the value, and return what it is asked for from now on."""
    answered: list[int] = []

    def invoke(_: str, records: bytes, count: int) -> list[Answer]:
        rows = json.loads(records)
        answered.extend(row["distance"] for row in rows)
        assert len(rows) == count
        return [Answer(value=row["distance"]) for row in rows]

    stage.runtime.invoke = invoke  # type: ignore[method-assign,assignment]
    return answered


def test_a_batch_is_answered_by_its_job_and_what_the_model_refuses_by_the_endpoint(
    stage: Stage, cloud: Cloud
) -> None:
    stage.endpoints.created.clear()
    distances = [*range(1, 2200), "far"]
    begun = begin(stage, "b1", distances)
    assert (begun.state, begun.reason) == (BatchState.RUNNING, None)
    # A second worker, as after a crash, meets the model and the job that are there.
    assert work(stage, "b1").attempt == 1
    job = job_of(cloud, "b1")
    assert (job["TransformJobStatus"], "ClientError" in job["FailureReason"]) == ("Failed", True)
    assert "1313" in job["FailureReason"]
    answered = answering(stage)
    batch = work(stage, "b1")
    assert (batch.state, batch.rows, batch.failed) == (BatchState.SUCCEEDED, 2200, 1)
    assert answered == list(range(1001, 2001))
    out = stage.batching.bucket.read("batch/flights/b1/out/predictions.ndjson").splitlines()
    assert [json.loads(line) for line in out] == [{"row": n, "value": n} for n in range(1, 2200)]
    _, message = refusal(cloud.sagemaker.describe_model, ModelName=batch_model_name("test", "b1"))
    assert "Could not find model" in message


def test_what_a_container_that_dies_left_unanswered_is_answered_by_the_endpoint(
    stage: Stage, cloud: Cloud
) -> None:
    distances = [*range(2001, 3001), 666000, *range(3002, 4501)]
    begin(stage, "b3", distances)
    job = job_of(cloud, "b3")
    # The model's own fault by its code, so a second job would only die again.
    assert (job["TransformJobStatus"], job["FailureReason"][:14]) == ("Failed", "AlgorithmError")
    answered = answering(stage)
    batch = work(stage, "b3")
    assert (batch.state, batch.rows, batch.failed, batch.attempt) == (BatchState.SUCCEEDED, 2500, 0, 1)
    # Who was asked beside it may have got no answer either.
    assert set(distances[1000:2000]) <= set(answered)
    out = stage.batching.bucket.read("batch/flights/b3/out/predictions.ndjson").splitlines()
    assert [json.loads(line) for line in out] == [
        {"row": row, "value": value} for row, value in enumerate(distances, start=1)
    ]


def test_a_stopped_batch_stops_its_job(stage: Stage, cloud: Cloud) -> None:
    batch = begin(stage, "b2", [0, 1, 2])
    stage.batching.batches.stop(batch, stage.clock())
    assert work(stage, "b2").state is BatchState.STOPPING
    assert job_of(cloud, "b2")["TransformJobStatus"] == "Stopped"
    assert work(stage, "b2").state is BatchState.STOPPED
