"""A warm interpreter ends when nobody needs it, and not before."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from localcloud.sagemaker import warm


class Process:
    """An interpreter without a process."""

    def __init__(self) -> None:
        self.pid, self.killed = os.getpid(), False

    def poll(self) -> int | None:
        return -9 if self.killed else None

    def kill(self) -> None:
        self.killed = True

    def wait(self) -> int:
        return -9


class Spawner:
    """Starts nothing, and tells what it was asked to start."""

    def __init__(self) -> None:
        self.started: list[Process] = []

    @property
    def running(self) -> int:
        return sum(not process.killed for process in self.started)

    def start(self, _: Any, **__: Any) -> Process:
        self.started.append(Process())
        return self.started[-1]


@pytest.fixture
def spawner() -> Spawner:
    return Spawner()


@pytest.fixture
def interpreters(spawner: Spawner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Warm interpreters of a cloud; no sockets."""

    class Listener:
        def fileno(self) -> int:
            return 0

        def __enter__(self) -> "Listener":
            return self

        def __exit__(self, *_: object) -> None:
            return

    monkeypatch.setattr(warm, "_listen", lambda _: Listener())
    made: Any = spawner
    found = warm.WarmInterpreters(tmp_path, made)
    yield found
    found.close()


def ask(interpreters: warm.WarmInterpreters, *, is_patient: bool = False) -> list[str]:
    """Ask for a program in a warm interpreter."""
    return interpreters.command(Path("/image"), ["/image/bin/python", "train.py"], {}, is_patient=is_patient)


def runs(monkeypatch: pytest.MonkeyPatch, *pids: int) -> None:
    monkeypatch.setattr(warm, "children_of", lambda _: list(pids))


def test_one_that_nobody_asked_for_long_ends_and_the_next_who_asks_gets_another(
    interpreters: warm.WarmInterpreters, spawner: Spawner, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs(monkeypatch)
    ask(interpreters)
    interpreters.end_idle(time.monotonic() + warm.IDLE_S - 5)
    assert spawner.running == 1
    interpreters.end_idle(time.monotonic() + warm.IDLE_S)
    assert spawner.running == 0
    ask(interpreters)
    assert spawner.running == 1


def test_one_whose_programs_run_stays_since_they_share_what_it_holds(
    interpreters: warm.WarmInterpreters, spawner: Spawner, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs(monkeypatch, 7)
    ask(interpreters)
    interpreters.end_idle(time.monotonic() + 10 * warm.IDLE_S)
    assert spawner.running == 1


def test_who_is_patient_asks_where_one_waits_for_all(interpreters: warm.WarmInterpreters) -> None:
    hasty, patient = ask(interpreters), ask(interpreters, is_patient=True)
    assert [word for word in hasty if word.endswith("/hasty")]
    assert [word for word in patient if word.endswith("/patient")]
