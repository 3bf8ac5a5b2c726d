"""The training job's machine: one job of two attempts, its events, the minute, a person who stops it."""

from collections.abc import Iterator
from typing import Any

import msgspec
from chalicelib.training.job import AT_REST, Job, sagemaker_name
from chalicelib.training.job_files import JobFiles
from chalicelib.training.job_moves import JobMove
from chalicelib.training.job_rows import JobRows
from chalicelib.training.model_rows import ModelRows
from chalicelib.training.pacing_rows import PacingRows
from chalicelib.training.plan import TrainingPlan
from chalicelib.training.ports import Ports
from chalicelib.training.request import Place
from chalicelib.training.sagemaker import Described
from chalicelib.training.workflow import following, requests, triggers
from chalicelib.training.workflow.reconciling import reconcile_job
from chalicelib.training.workflow.submission import start_next

from shared.clock import to_text
from shared.codec import to_row
from shared.conditions import Absent
from shared.entities.training import JobPurpose, JobState
from shared.errors import ConditionFailed, Conflict, NotFound
from shared.http.request import Caller
from tests.explorer.explore import Found, explore
from tests.explorer.machine import Left, Machine, State, changed, quiet
from tests.explorer.replay import Asking, AskingTable, Rows, Stage
from tests.fakes import FakeBucket, FakeClock
from tests.simulation.tables import SimTable

_ABSENT = Absent("version")
KEYS = {"jobs": ("job_id",), "models": ("pipeline", "version")}
JOB_ID = "0123456789abcdef0123"
INPUT = JOB_ID + "f" * 44
CHANGED, MINUTE, STOP = "job changed", "the minute", "a person stops it"
CLOCK = FakeClock()
NOW, LONG_AGO = to_text(CLOCK()), "2025-01-01T00:00:00Z"
RUNS = ("InProgress", "Stopping")
LEGAL = {(before, move.value.to) for move in JobMove for before in move.value.after}
MADE: set[tuple[JobState, JobState]] = set()  # the changes of state that were seen


class AskingSageMaker:
    """Training jobs of the one job: the world is a tuple of (attempt, status)."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def create(self, request: dict[str, Any]) -> None:
        attempt = _attempt(request["TrainingJobName"])

        def work(stage: Stage) -> None:
            if attempt in dict(stage.world):
                raise Conflict("the name is taken")
            stage.world = tuple(sorted((*stage.world, (attempt, "InProgress"))))

        self._asking.ask(f"create attempt {attempt} in SageMaker", work)

    def describe(self, name: str) -> Described:
        attempt = _attempt(name)

        def work(stage: Stage) -> str:
            if attempt not in dict(stage.world):
                raise NotFound("no such job")
            return str(dict(stage.world)[attempt])

        status = self._asking.ask(f"describe attempt {attempt}", work)
        reason = "InternalServerError: try again" if status == "Failed" else ""
        return Described(name=name, status=status, failure_reason=reason, input_sha256=INPUT)

    def stop(self, name: str) -> None:
        attempt = _attempt(name)

        def work(stage: Stage) -> None:
            if dict(stage.world).get(attempt) == "InProgress":
                stage.world = tuple(sorted({**dict(stage.world), attempt: "Stopping"}.items()))

        self._asking.ask(f"stop attempt {attempt}", work)


class Silent:
    """What has no say in the machine."""

    def announce(self, *_: Any, **__: Any) -> None:
        """Events to others change nothing here."""

    def tail(self, _name: str, _limit: int) -> Any:
        raise NotFound("no log")


def finish_in_short(ports: Ports, job: Job) -> Job:
    """Do the transaction of ``finalise`` without its files, which are written once and change nothing."""
    row = {"pipeline": job.pipeline, "version": f"v{job.number}", "job_id": job.job_id}
    writes = (ports.jobs.succeeding(job), ports.models.table.putting(row, only_if=_ABSENT))
    try:
        ports.jobs.table.transact(*writes)
    except ConditionFailed:
        return ports.jobs.get(job.job_id)
    return ports.jobs.get(job.job_id)


def explore_jobs(budget: Left, *, blind: dict[str, frozenset[str]] | None = None) -> Found:
    """Visit every state of the machine, without the guards that are *blind*."""
    asking = Asking()
    ports = _ports(asking)
    caller = Caller(token_id="ada", pipelines=frozenset({"*"}))
    handlers = {
        CHANGED: lambda: triggers.on_training_job_state_change(ports, sagemaker_name("test", JOB_ID, 1)),
        MINUTE: lambda: _minute(ports),
        STOP: lambda: requests.request_stop(ports, caller, JOB_ID),
    }
    machine = Machine(asking, handlers, frozenset({CHANGED}), _tables, blind or {})

    def steps(state: State) -> Iterator[tuple[str, State]]:
        yield from machine.of_workers(state)
        yield from machine.of_events(state)
        yield from _of_the_world(state)
        yield from machine.of_wishes(state)
        yield from _of_time(machine, state)

    begin = State(rows=_begin(), world=(), left=budget)
    kept, following._FINISH[JobPurpose.TRAIN] = following._FINISH[JobPurpose.TRAIN], finish_in_short
    try:
        with quiet():
            return explore(begin, steps, _broken, _is_at_rest, _broken_by)
    finally:
        following._FINISH[JobPurpose.TRAIN] = kept


def _minute(ports: Ports) -> None:
    for seen in list(ports.jobs.open()):
        job = ports.jobs.still_open(seen)
        if job is not None:
            reconcile_job(ports, job)
    start_next(ports)


def _of_the_world(state: State) -> Iterator[tuple[str, State]]:
    for attempt, status in state.world:
        ends = {"InProgress": ("Completed", "Failed"), "Stopping": ("Stopped",)}.get(status, ())
        for end in ends:
            if end == "Failed" and not state.left.failures:
                continue
            fails = state.left.failures - (end == "Failed")
            left = msgspec.structs.replace(state.left, failures=fails)
            world = tuple(sorted({**dict(state.world), attempt: end}.items()))
            bus = tuple(sorted((*state.bus, CHANGED))) if state.bus.count(CHANGED) < 2 else state.bus
            yield f"SageMaker: attempt {attempt} is {end}", changed(state, world=world, bus=bus, left=left)


def _of_time(machine: Machine, state: State) -> Iterator[tuple[str, State]]:
    """Let the minute come, waits end and leases run out; a lease whose holder may be alive is a delay."""
    job = job_of(state)
    if job.attention and all(worker.handler != MINUTE for worker in state.workers):
        yield from machine.begins(state, MINUTE, "a minute later")
    if (job.next_try_at or "") > NOW:
        yield "the wait is over", changed(state, rows=_with(state.rows, next_try_at=NOW))
    if (job.lease_until or "") > NOW and (not state.workers or state.left.delays):
        left = msgspec.structs.replace(state.left, delays=state.left.delays - bool(state.workers))
        yield "the lease runs out", changed(state, rows=_with(state.rows, lease_until=LONG_AGO), left=left)


def _broken(state: State) -> str:
    job, made = (
        job_of(state),
        [key for table, key, _ in state.rows if table == "models" and key[0] == "flights"],
    )
    statuses = dict(state.world)
    if sum(status in RUNS for status in statuses.values()) > 1:
        return "two attempts are trained at once"
    if list(statuses.values()).count("Completed") > 1:
        return "the same work was trained twice"
    if len(made) > 1:
        return f"one job made {len(made)} model versions"
    if (job.state is JobState.SUCCEEDED) != bool(made):
        return f"the job is {job.state} and has made {len(made)} model versions"
    if job.state in AT_REST and any(status in RUNS for status in statuses.values()):
        return f"the job is {job.state} while an attempt of it is trained"
    if job.state is JobState.DEAD and "Completed" in statuses.values():
        return "the job is dead although an attempt of it completed"
    return ""


def _broken_by(before: State, _what: str, after: State) -> str:
    was, now = job_of(before).state, job_of(after).state
    if was is not now:
        MADE.add((was, now))
    return (
        "" if was is now or (was, now) in LEGAL else f"the job was {was} and is {now}, which is no move of it"
    )


def _is_at_rest(state: State) -> bool:
    return not state.workers and job_of(state).state in AT_REST


def job_of(state: State) -> Job:
    return _job(next(body for table, key, body in state.rows if table == "jobs" and key[0] == JOB_ID))


_JOBS: dict[bytes, Job] = {}


def _job(body: bytes) -> Job:
    if body not in _JOBS:
        _JOBS[body] = msgspec.json.decode(body, type=Job)
    return _JOBS[body]


def _attempt(name: str) -> int:
    return int(name.rpartition("-a")[2])


def _with(rows: Rows, **attributes: str) -> Rows:
    encode = msgspec.json.Encoder(order="sorted").encode
    return tuple(
        (table, key, encode({**msgspec.json.decode(body), **attributes}) if key == (JOB_ID,) else body)
        for table, key, body in rows
    )


def _begin() -> Rows:
    table = SimTable("jobs", "job_id")
    table.put(to_row(_JOB))
    encode = msgspec.json.Encoder(order="sorted").encode
    return tuple(("jobs", key, encode(row)) for key, row in table.rows.items())


def _tables() -> dict[str, SimTable]:
    return {name: SimTable(name, *keys) for name, keys in KEYS.items()}


def _ports(asking: Asking) -> Ports:
    jobs, models = (AskingTable(asking, name, *keys) for name, keys in KEYS.items())
    bucket, none = FakeBucket("data"), Silent()
    files = JobFiles(bucket)
    files.write(_PLAN)
    untyped: Any = {"sagemaker": AskingSageMaker(asking), "bus": none, "logs": none}
    unused: Any = dict.fromkeys(
        ("pipelines", "datasets", "releases", "model_files", "staging", "packages", "signer"), none
    )
    return Ports(
        jobs=JobRows(jobs, CLOCK),
        pacing=PacingRows(jobs),
        models=ModelRows(models, CLOCK),
        job_files=files,
        clock=CLOCK,
        jitter=lambda: 0.0,
        place=Place(stage="test", role_arn="role", data_bucket="data", models_bucket="models"),
        recipes={},
        image_uri="image:1",
        max_jobs=1,
        **untyped,
        **unused,
    )


_JOB = Job(
    job_id=JOB_ID,
    pipeline="flights",
    state=JobState.PENDING,
    max_attempts=2,
    next_try_at=NOW,
    dataset_version="d1",
    dataset_versions=("d1",),
    dataset_ordinal=1,
    recipe="tabular",
    recipe_sha256="c",
    image_uri="image:1",
    input_sha256=INPUT,
    attention="open",
    created_at=NOW,
    updated_at=NOW,
    told_attempt=9,
)
_PLAN = TrainingPlan(
    job_id=JOB_ID,
    input_sha256=INPUT,
    pipeline="flights",
    dataset_version="d1",
    dataset_versions=("d1",),
    dataset_ordinal=1,
    recipe="tabular",
    recipe_sha256="c",
    image_uri="image:1",
    instance="ml.m5.large",
    max_minutes=30,
    max_attempts=2,
    champion=None,
    channels={"train": ("k",)},
    parameters={"task": "classification"},
)
