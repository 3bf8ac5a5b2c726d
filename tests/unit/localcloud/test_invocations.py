"""The queue: bounded, retried as AWS does, and nothing forgotten at a stop."""

import threading
import time
from pathlib import Path

import pytest

from localcloud.invocations import (
    Invocation,
    InvocationQueue,
    Outcome,
    RetryPolicy,
    Run,
    Target,
    load,
    next_step,
    save,
)

NOW = 1_000_000.0
DONE = Run(outcome=Outcome.DONE)
FAILED = Run(outcome=Outcome.FAILED)
THROTTLED = Run(outcome=Outcome.THROTTLED)


def event(attempt: int = 0, accepted_at: float = NOW, arn: str = "arn:f") -> Invocation:
    return Invocation(function_arn=arn, event={"n": 1}, accepted_at=accepted_at, attempt=attempt)


def test_a_failure_is_tried_again_after_the_base_and_then_after_twice_that() -> None:
    first = next_step(event(), FAILED, 60, NOW)
    assert first == (event(attempt=1), NOW + 60)
    assert next_step(event(attempt=1), FAILED, 60, NOW) == (event(attempt=2), NOW + 120)


def test_the_third_failure_is_the_last() -> None:
    assert next_step(event(attempt=2), FAILED, 60, NOW) is None


def test_the_functions_own_policy_counts() -> None:
    never = Run(outcome=Outcome.FAILED, policy=RetryPolicy(max_retries=0))
    assert next_step(event(), never, 60, NOW) is None


def test_a_throttled_run_costs_no_attempt() -> None:
    step = next_step(event(attempt=2), THROTTLED, 60, NOW)
    assert step is not None
    assert step[0].attempt == 2


@pytest.mark.parametrize("run", [FAILED, THROTTLED])
def test_an_event_that_got_too_old_is_given_up(run: Run) -> None:
    assert next_step(event(accepted_at=NOW - 6 * 3600), run, 60, NOW) is None


def test_a_success_needs_nothing_more() -> None:
    assert next_step(event(), DONE, 60, NOW) is None


class Worker:
    """Counts what the queue does with it."""

    def __init__(self, outcomes: dict[str, Run] | None = None) -> None:
        self.outcomes = outcomes or {}
        self.lock = threading.Lock()
        self.runs: list[Invocation] = []
        self.given_up: list[Invocation] = []
        self.active = 0
        self.most = 0
        self.gate = threading.Event()
        self.gate.set()

    def run(self, invocation: Invocation) -> Run:
        with self.lock:
            self.active += 1
            self.most = max(self.most, self.active)
            self.runs.append(invocation)
        self.gate.wait(5)
        with self.lock:
            self.active -= 1
        return self.outcomes.get(invocation.function_arn, DONE)

    def queue(self, concurrency: int = 3, retry_base_s: float = 0.001) -> InvocationQueue:
        target = Target(run=self.run, give_up=lambda invocation, _run: self.given_up.append(invocation))
        return InvocationQueue(target, concurrency=concurrency, retry_base_s=retry_base_s)


def test_everything_runs_and_never_more_than_the_bound_at_once() -> None:
    worker = Worker()
    queue = worker.queue(concurrency=2)
    worker.gate.clear()
    queue.start()
    for number in range(20):
        queue.put(event(arn=f"arn:{number}"))
    worker.gate.set()
    assert queue.stop(5) == []
    assert {run.function_arn for run in worker.runs} == {f"arn:{number}" for number in range(20)}
    assert worker.most <= 2


def test_a_lasting_failure_runs_three_times_and_is_given_up_once() -> None:
    worker = Worker({"arn:bad": FAILED})
    queue = worker.queue()
    queue.start()
    queue.put(event(arn="arn:bad", accepted_at=time.time()))
    assert queue.stop(5) == []
    assert len(worker.runs) == 3
    assert [given.attempt for given in worker.given_up] == [2]


def test_a_stop_returns_what_waits_and_what_still_runs() -> None:
    worker = Worker()
    worker.gate.clear()
    queue = worker.queue(concurrency=1)
    queue.start()
    for arn in ("arn:1", "arn:2", "arn:3"):
        queue.put(event(arn=arn))
    left = queue.stop(0.05)
    worker.gate.set()
    assert {invocation.function_arn for invocation in left} == {"arn:1", "arn:2", "arn:3"}


def test_what_fails_or_comes_after_the_stop_is_kept() -> None:
    worker = Worker({"arn:late": FAILED})
    worker.gate.clear()
    queue = worker.queue(concurrency=1)
    queue.start()
    queue.put(event(arn="arn:late", accepted_at=time.time()))
    queue.stop(0.05)
    queue.put(event(arn="arn:new"))
    worker.gate.set()
    deadline = time.monotonic() + 5
    while queue.running and time.monotonic() < deadline:
        time.sleep(0.001)
    kept = {invocation.function_arn: invocation.attempt for invocation in queue.unfinished}
    assert kept == {"arn:late": 1, "arn:new": 0}


def test_a_stop_does_not_wait_for_a_retry_that_is_due_much_later() -> None:
    queue = Worker().queue()
    queue.start()
    queue.put(event(), at=time.time() + 3600)
    before = time.monotonic()
    assert queue.stop(5) == [event()]
    assert time.monotonic() - before < 1


def test_what_is_saved_is_loaded_once(tmp_path: Path) -> None:
    path = tmp_path / "invocations.json"
    assert save([event(attempt=1)], path) == 1
    assert load(path) == [event(attempt=1)]
    assert load(path) == []


def test_nothing_left_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "invocations.json"
    save([event()], path)
    save([], path)
    assert not path.exists()
