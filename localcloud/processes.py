"""Processes that die with their parent, and process ids that cannot be confused."""

import queue
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

_SETPRIV = shutil.which("setpriv")


def start_ticks(pid: int) -> int | None:
    """Return when the process started, in kernel ticks since boot; None when there is no such process.

    Process ids are reused, but not together with their start time. A zombie counts as gone.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    # The name in parentheses may hold spaces: fields are counted after its end.
    fields = stat.rpartition(")")[2].split()
    state, started = fields[0], fields[19]
    return None if state in "ZX" else int(started)


def is_same_process(pid: int, ticks: int) -> bool:
    """Tell whether that very process still runs."""
    return start_ticks(pid) == ticks


def children_of(pid: int) -> list[int]:
    """Return what the first thread of a process has started and what still runs of it."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def wait_until_gone(pid: int, ticks: int, timeout_s: float) -> bool:
    """Wait for that very process to end; False when it outlasted the timeout."""
    deadline = time.monotonic() + timeout_s
    while is_same_process(pid, ticks):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def dying_with_parent(command: Sequence[str]) -> list[str]:
    """Return the command, wrapped so that the kernel kills it when its parent thread ends.

    Where setpriv does not exist (not Linux) the command comes back as it is: the worker then
    ends when its stdin closes.
    """
    if _SETPRIV is None:
        return list(command)
    return [_SETPRIV, "--pdeathsig", signal.Signals.SIGKILL.name.removeprefix("SIG"), "--", *command]


class Spawner:
    """One thread that starts every child and lives as long as the server.

    The kernel's parent-death signal follows the *thread* that started a child (prctl(2),
    PR_SET_PDEATHSIG). Invocations run in short-lived threads, so a child started by one of them
    would be killed as soon as its first call returns.
    """

    def __init__(self) -> None:
        self._orders: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = queue.SimpleQueue()
        threading.Thread(target=self._serve, daemon=True, name="localcloud-spawner").start()

    def start(self, command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
        """Start the command as `subprocess.Popen` would; it is killed when this process dies."""
        outcome: Future[subprocess.Popen[Any]] = Future()
        self._orders.put((lambda: subprocess.Popen(dying_with_parent(command), **options), outcome))
        return outcome.result()

    def _serve(self) -> None:
        while True:
            order, outcome = self._orders.get()
            try:
                outcome.set_result(order())
            except (OSError, ValueError, TypeError, subprocess.SubprocessError) as error:
                outcome.set_exception(error)
