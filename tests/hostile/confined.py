"""Judge uploads in child processes that may take so much memory and so much CPU time, and no more.

One server process has the service imported; it forks for every file, so that a file's CPU time and memory are its
own and a crash is one file's. Two servers use two cores.
"""

import contextlib
import os
import pickle
import queue
import resource
import struct
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import msgspec

MEMORY_BYTES = 512 << 20
CPU_S = 2.0
# The bound is held against what was used; the kernel's own, in whole seconds, only ends what would never stop.
_KERNEL_CPU_S = 8
_LENGTH = struct.Struct("!Q")
_ROOT = Path(__file__).parents[2]


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """What one call answered, or how it ended, and what it took."""

    answer: Any
    ending: str | None
    cpu_s: float
    peak_bytes: int

    @property
    def is_over(self) -> bool:
        """Say whether it took more than any file may."""
        return self.cpu_s >= CPU_S or self.peak_bytes >= MEMORY_BYTES


class Server:
    """A process that runs calls one by one, each in a fork of its own."""

    def __init__(self) -> None:
        paths = [_ROOT, *(_ROOT / f"{name}_service" for name in ("ingest", "training", "inference"))]
        code = f"import sys; sys.path[:0] = {[str(path) for path in paths]!r}; "
        code += "from tests.hostile.confined import serve; serve()"
        # Each thread's arena would reserve 64 MB of addresses, which are no memory; RLIMIT_AS counts them.
        environment = {**os.environ, "MALLOC_ARENA_MAX": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )

    def call(self, function: Callable[..., Any], *arguments: Any) -> Used:
        """Run *function*, known to the server by its module and name, within the limits."""
        assert self._process.stdin
        assert self._process.stdout
        _send(self._process.stdin, pickle.dumps((function, arguments)))
        used: Used = pickle.loads(_receive(self._process.stdout))
        return used

    def close(self) -> None:
        """End the server."""
        with self._process:
            assert self._process.stdin
            self._process.stdin.close()


class Servers:
    """Two servers, and calls to them in parallel."""

    def __init__(self, count: int = 2) -> None:
        self._servers = [Server() for _ in range(count)]
        self._free: queue.SimpleQueue[Server] = queue.SimpleQueue()
        self._threads = ThreadPoolExecutor(count)
        for server in self._servers:
            self._free.put(server)

    def call(self, function: Callable[..., Any], *arguments: Any) -> Used:
        """Run one call on a server that is free."""
        server = self._free.get()
        try:
            return server.call(function, *arguments)
        finally:
            self._free.put(server)

    def each(self, function: Callable[..., Any], several: Sequence[Any]) -> list[Used]:
        """Run *function* on each of *several*, in order."""
        return list(self._threads.map(lambda one: self.call(function, one), several))

    def close(self) -> None:
        """End both."""
        self._threads.shutdown()
        for server in self._servers:
            server.close()


@contextlib.contextmanager
def servers() -> Iterator[Servers]:
    """Start the servers for the block."""
    made = Servers()
    try:
        yield made
    finally:
        made.close()


def serve() -> None:
    """Answer calls until the pipe ends; what is imported here is no file's memory."""
    import tests.hostile.judge as judge

    # One file of each format loads what is only loaded when needed.
    judge.warm_up()
    # What anyone prints, be it a library in C, must not come between the answers.
    answers, requests = os.fdopen(os.dup(1), "wb"), sys.stdin.buffer
    os.dup2(2, 1)
    with contextlib.suppress(EOFError):
        while True:
            _send(answers, pickle.dumps(_forked(_receive(requests))))


def _forked(request: bytes) -> Used:
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        _answer(request, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        body = pipe.read()
    _, status, usage = os.wait4(child, 0)
    cpu_s = usage.ru_utime + usage.ru_stime
    if not body:
        return Used(answer=None, ending=f"wait status {status}", cpu_s=cpu_s, peak_bytes=0)
    answer, ending, peak_bytes = pickle.loads(body)
    return Used(answer=answer, ending=ending, cpu_s=cpu_s, peak_bytes=peak_bytes)


def _answer(request: bytes, writer: int) -> None:
    """Run the request under the limits, write what came of it and end this process."""
    try:
        base, resident = _status("VmSize"), _status("VmRSS")
        resource.setrlimit(resource.RLIMIT_AS, (base + MEMORY_BYTES, base + MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (_KERNEL_CPU_S, _KERNEL_CPU_S))
        answer, ending = _called(request)
        with os.fdopen(writer, "wb") as pipe:
            pickle.dump((answer, ending, _status("VmHWM") - resident), pipe)
    finally:
        # Whatever happens, this fork must never go on as a second server.
        os._exit(0)


def _called(request: bytes) -> tuple[Any, str | None]:
    try:
        function, arguments = pickle.loads(request)
        return function(*arguments), None
    except BaseException:  # noqa: BLE001 - a supervisor: whatever it was, the parent is told
        return None, traceback.format_exc(limit=-6)


def _status(name: str) -> int:
    """Return one of this process's figures, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name + ":"))


def _send(pipe: IO[bytes], body: bytes) -> None:
    pipe.write(_LENGTH.pack(len(body)))
    pipe.write(body)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> bytes:
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError("the pipe has ended")
    return pipe.read(_LENGTH.unpack(head)[0])
