"""A large batch: cut into payloads, answered by a SageMaker transform job, its answers brought into order.

cut: portion by portion, read, check, write the good records as a payload and what is wrong with the others, checkpoint.
ask: one job for all payloads; the number of the attempt is on the row before the job is made, and its name follows from
it. A job that SageMaker fails is followed by one for what has no answer yet, three in all.
collect: portion by portion, the answers beside the rows they are to, checkpoint. What the job could not answer goes through
the endpoint, which finds the record that the model refuses.
"""

from collections.abc import Callable

import msgspec
from chalicelib.inference.answers import parse_answers
from chalicelib.inference.batch_input import PAYLOAD_ROWS, Checked
from chalicelib.inference.batch_plan import PAYLOAD_MB, TransformPlan, plan_transform
from chalicelib.inference.batch_rows import Batch, BatchState, Way
from chalicelib.inference.faults import Faults
from chalicelib.inference.formats import join
from chalicelib.inference.naming import batch_model_name, transform_name
from chalicelib.inference.ports import TransformState
from chalicelib.inference.workflow import batch_portions
from chalicelib.inference.workflow.batch_portions import Predicted
from chalicelib.inference.workflow.batches import Batching, folder_of

from shared.errors import BadGateway, Broken, Conflict, NotFound, Unavailable

MAX_ATTEMPTS = 3
_EMPTY_BYTES = len(b'{"records":[]}')
_RUNS = ("InProgress", "Stopping")
# Of these the model or its records are the reason, and asking again would not help.
_OWN_FAULTS = ("ClientError", "AlgorithmError")


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a portion before it is answered: the rows before it, where its good records stand, what is wrong."""

    rows_before: int
    places: list[int]
    faults: dict[int, Faults]


class _Payload(msgspec.Struct, frozen=True, kw_only=True):
    records: list[msgspec.Raw]


def bring_on(adapters: Batching, batch: Batch, has_time: Callable[[], bool]) -> Batch:
    """Return the batch as far as it came: cut, waiting for its job, or at its end.

    Raises
    ------
    Conflict
        Somebody stopped the job in SageMaker, or the model's answers are not of the contract.
    QuotaExceeded
        There is no instance for a job now.
    """
    if not batch.is_cut:
        batch = _cut(adapters, batch, has_time)
    if batch.is_cut and batch.state is BatchState.RUNNING:
        batch = _ask_and_collect(adapters, batch, has_time)
    return batch


def _ask_and_collect(adapters: Batching, batch: Batch, has_time: Callable[[], bool]) -> Batch:
    """Return the batch after the next thing that the state of its job asks for."""
    job = _job(adapters, batch)
    if job is None:
        return _ask(adapters, batch, max(batch.attempt, 1), has_time)
    if job.status in _RUNS:
        return batch
    if job.status == "Stopped":
        raise Conflict(f"transform job {_job_name(adapters, batch)} was stopped in SageMaker")
    if batch.attempt < MAX_ATTEMPTS and _may_help_again(job):
        return _ask(adapters, batch, batch.attempt + 1, has_time)
    return _collect(adapters, batch, has_time)


def _may_help_again(job: TransformState) -> bool:
    return job.status == "Failed" and not job.reason.startswith(_OWN_FAULTS)


def has_stopped(adapters: Batching, batch: Batch) -> bool:
    """Say whether nothing works for the batch any more; a job that runs is asked to stop, its event comes back."""
    job = _job(adapters, batch) if batch.way is Way.TRANSFORM else None
    if job is None or job.status not in _RUNS:
        return True
    if job.status == "InProgress":
        adapters.transforms.stop(_job_name(adapters, batch))
    return False


def tidy(adapters: Batching, batch: Batch) -> None:
    """Delete the model that only this batch asked; one that cannot be deleted now costs nothing and is told."""
    try:
        adapters.transforms.forget(batch_model_name(adapters.stage, batch.id))
    except (Broken, Unavailable):
        adapters.log.warning("model of a batch not deleted", extra={"batch": batch.id}, exc_info=True)


def _cut(adapters: Batching, batch: Batch, has_time: Callable[[], bool]) -> Batch:
    reader, batch = batch_portions.open_input(adapters, batch)
    while batch.state is BatchState.RUNNING and has_time():
        checked, count, end_bytes = reader.next(batch.offset_bytes, PAYLOAD_ROWS)
        if count:
            _write_cut(adapters, batch, checked)
        done = msgspec.structs.replace(
            batch,
            offset_bytes=end_bytes,
            rows=batch.rows + count,
            failed=batch.failed + len(checked.faults),
            portions=batch.portions + bool(count),
            is_cut=not count,
        )
        batch = adapters.batches.check_point(done, adapters.clock())
        if batch.is_cut:
            break
    return batch


def _write_cut(adapters: Batching, batch: Batch, checked: Checked) -> None:
    cut = Cut(rows_before=batch.rows, places=checked.places, faults=checked.faults)
    adapters.bucket.write(_cut_key(batch, batch.portions), msgspec.json.encode(cut))
    payload = b'{"records":' + join(checked.good) + b"}"
    adapters.bucket.write(_payload_key(batch, batch.portions), payload, content_type="application/json")


def _job(adapters: Batching, batch: Batch) -> TransformState | None:
    return adapters.transforms.describe(_job_name(adapters, batch)) if batch.attempt else None


def _job_name(adapters: Batching, batch: Batch) -> str:
    return transform_name(adapters.stage, batch.id, batch.attempt)


def _ask(adapters: Batching, batch: Batch, attempt: int, has_time: Callable[[], bool]) -> Batch:
    """Make a job for what has no answer; where nothing is left to ask there is none."""
    names = _unanswered(adapters, batch)
    if not names:
        return _collect(adapters, batch, has_time)
    # Asking once more for the same job is no progress: what stalls here must end some day.
    if attempt != batch.attempt:
        begun = msgspec.structs.replace(batch, attempt=attempt)
        batch = adapters.batches.check_point(begun, adapters.clock())
    if batch.state is BatchState.RUNNING:
        adapters.transforms.create(_plan(adapters, batch, names))
    return batch


def _plan(adapters: Batching, batch: Batch, names: list[str]) -> TransformPlan:
    """Write the manifest of the payloads *names* and return the requests for their job."""
    model = adapters.models.get(batch.pipeline, batch.version)
    # What answers is what was signed, as at a release; that may be long ago.
    adapters.artifacts.verify(model)
    folder = _folder(batch)
    key = f"{folder}a{batch.attempt}.manifest"
    manifest = [{"prefix": adapters.bucket.uri(f"{folder}in/")}, *names]
    adapters.bucket.write(key, msgspec.json.encode(manifest), content_type="application/json")
    return plan_transform(
        model,
        batch.id,
        batch.attempt,
        manifest_uri=adapters.bucket.uri(key),
        output_uri=adapters.bucket.uri(f"{folder}out"),
        where=adapters.where,
    )


def _unanswered(adapters: Batching, batch: Batch) -> list[str]:
    """Return the names of the payloads that a job may answer and none has."""
    folder = _folder(batch)
    answered = {info.key.removeprefix(f"{folder}out/") for info in adapters.bucket.list(f"{folder}out/")}
    return [
        name
        for info in adapters.bucket.list(f"{folder}in/")
        if f"{(name := info.key.removeprefix(f'{folder}in/'))}.out" not in answered
        and _EMPTY_BYTES < info.size_bytes <= PAYLOAD_MB * 1024**2
    ]


def _collect(adapters: Batching, batch: Batch, has_time: Callable[[], bool]) -> Batch:
    while batch.state is BatchState.RUNNING and has_time():
        if batch.collected == batch.portions:
            tidy(adapters, batch)
            return batch_portions.join_parts(adapters, batch)
        number = batch.collected
        cut = msgspec.json.decode(adapters.bucket.read(_cut_key(batch, number)), type=Cut)
        predicted = _predicted(adapters, batch, number, cut)
        batch_portions.write_part(adapters, batch, number, cut.rows_before, predicted)
        done = msgspec.structs.replace(
            batch, collected=number + 1, failed=batch.failed + len(predicted.faults) - len(cut.faults)
        )
        batch = adapters.batches.check_point(done, adapters.clock())
    return batch


def _predicted(adapters: Batching, batch: Batch, number: int, cut: Cut) -> Predicted:
    """Return the answers of the job to a portion, or of the endpoint where the job has none."""
    try:
        body = adapters.bucket.read(f"{_folder(batch)}out/{_name(number)}.out") if cut.places else b""
    except NotFound:
        payload = msgspec.json.decode(adapters.bucket.read(_payload_key(batch, number)), type=_Payload)
        checked = Checked(good=payload.records, places=cut.places, faults=cut.faults)
        return batch_portions.predict(adapters, batch, checked)
    try:
        answers = parse_answers(body, len(cut.places)) if cut.places else []
    except BadGateway as error:
        raise Conflict(f"portion {number + 1}: {error}") from error
    return Predicted(answers=dict(zip(cut.places, answers, strict=True)), faults=cut.faults)


def _folder(batch: Batch) -> str:
    return f"{folder_of(batch.pipeline, batch.id)}transform/"


def _name(number: int) -> str:
    return f"{number:06d}.json"


def _payload_key(batch: Batch, number: int) -> str:
    return f"{_folder(batch)}in/{_name(number)}"


def _cut_key(batch: Batch, number: int) -> str:
    return f"{_folder(batch)}cut/{_name(number)}"
