"""A function that nobody calls has no process for ever."""

from typing import Any

import pytest
from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from localcloud.mends import lambda_idle

NOW = 10_000.0
LONG_AGO, LATELY = NOW - lambda_idle.IDLE_S, NOW - lambda_idle.IDLE_S + 1


class Worker:
    """A worker without a process."""

    def __init__(self, last_used: float, *, in_use: bool = False) -> None:
        self.last_used, self.in_use = last_used, in_use
        self.config: dict[str, Any] = {}


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The workers that a mended MiniStack ends; it has none of its own, and time stands still."""
    workers: list[Any] = []
    monkeypatch.setattr(lambda_svc, "reap_idle_workers", lambda_svc.reap_idle_workers)
    settings: Any = None
    lambda_idle.mend(settings)
    monkeypatch.setattr(lambda_runtime, "_workers", {})
    monkeypatch.setattr(lambda_runtime, "kill_workers", workers.extend)
    monkeypatch.setattr("time.time", lambda: NOW)
    return workers


def test_the_last_worker_of_a_function_ends_when_it_has_long_been_idle(ended: list[Any]) -> None:
    idle, recent = Worker(LONG_AGO), Worker(LATELY)
    lambda_runtime._workers.update(idle=[idle], recent=[recent])
    assert lambda_idle.end_idle(NOW) == 1
    assert ended == [idle]
    assert lambda_runtime._workers == {"recent": [recent]}


def test_a_worker_at_work_is_left_alone_however_long_it_takes(ended: list[Any]) -> None:
    busy, idle = Worker(LONG_AGO, in_use=True), Worker(LONG_AGO)
    lambda_runtime._workers["f"] = [busy, idle]
    lambda_idle.end_idle(NOW)
    assert (ended, lambda_runtime._workers) == ([idle], {"f": [busy]})


def test_whatever_looks_for_idle_workers_ends_the_last_ones_too(ended: list[Any]) -> None:
    idle = Worker(LONG_AGO)
    lambda_runtime._workers["f"] = [idle]
    assert lambda_svc.reap_idle_workers() == 1
    assert ended == [idle]
