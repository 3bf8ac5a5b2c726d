"""Start, stop and find the local cloud of a folder, from another process.

Light on purpose: nothing of MiniStack or boto3 is imported, so a command line can use it.
"""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import msgspec

from localcloud import ports
from localcloud.errors import PortTaken, RuntimeMissing, StartFailed, StopFailed
from localcloud.home import Home, Record
from localcloud.processes import is_same_process, wait_until_gone
from localcloud.settings import DEFAULT_PORT

HEALTH_PATH = "/_localcloud/health"
# The server lets its queue run out for 10 s (DRAIN_S) before it saves: killing it sooner loses that.
STOP_TIMEOUT_S = 15.0
_PACKAGE_ROOT = Path(__file__).resolve().parent.parent
_LOG_TAIL_LINES = 12

# Servers this very process has started: kept, so that a stopped one can be reaped.
_children: "dict[int, subprocess.Popen[bytes]]" = {}


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A living local cloud."""

    pid: int
    port: int
    url: str


class _Health(msgspec.Struct, frozen=True):
    """The part of the health answer that tells whose it is."""

    pid: int


def start(
    *,
    home: Path,
    port: int | None = None,
    lambda_runtime: Path,
    images: Path,
    timeout_s: float = 30,
    options: Sequence[str] = (),
) -> Running:
    """Start the cloud of this folder in the background, or return the one that runs.

    Parameters
    ----------
    home
        Folder of its state; made if absent. The log is `<home>/logs/localcloud.log`.
    port
        None is 4577. Not looked at when the cloud of this folder runs already.
    lambda_runtime, images
        Interpreter of the Lambda runtime; folder of the SageMaker image environments.
    timeout_s
        How long it may take until it answers.
    options
        Further arguments of `python -m localcloud`.

    Raises
    ------
    PortTaken, RuntimeMissing, StartFailed
        Each with one line that says what to do.
    """
    _reap()
    running = status(home)
    if running is not None:
        return running
    if not lambda_runtime.exists():
        raise RuntimeMissing(f"no Lambda interpreter at {lambda_runtime}: make the environments first")
    chosen = port or DEFAULT_PORT
    _require_free(chosen)
    place = Home(root=home.absolute())
    place.create()
    command = [*_command(place, chosen, lambda_runtime, images), *options]
    with place.log_file.open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Else Ctrl-C in the terminal that started it would end the server too.
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(_PACKAGE_ROOT)},
        )
    return _wait_until_ready(process, place, chosen, timeout_s)


def stop(home: Path, timeout_s: float = STOP_TIMEOUT_S) -> bool:
    """Stop the cloud of this folder gracefully, after the timeout by force; False when none runs.

    Only the process that wrote the record is ever signalled: its start time is compared too, so
    a process id that now belongs to somebody else is left alone.
    """
    place = Home(root=home.absolute())
    record = _living_record(place)
    if record is None:
        return False
    _signal(record, signal.SIGTERM)
    if not wait_until_gone(record.pid, record.start_ticks, timeout_s):
        _signal(record, signal.SIGKILL)
        if not wait_until_gone(record.pid, record.start_ticks, 5.0):
            raise StopFailed(f"process {record.pid} does not end, even when killed: look at it with ps")
    place.record_file.unlink(missing_ok=True)
    child = _children.pop(record.pid, None)
    if child is not None:
        child.wait()
    return True


def status(home: Path) -> Running | None:
    """Return the cloud of this folder, or None when it does not run."""
    record = _living_record(Home(root=home.absolute()))
    return None if record is None else Running(pid=record.pid, port=record.port, url=record.url)


def killed_predecessor(home: Path) -> int | None:
    """Return the process that was killed: the last server, or the one before the server that runs now."""
    record = Home(root=home.absolute()).read_record()
    if record is None:
        return None
    return record.killed_predecessor if status(home) else record.pid


def reset(home: Path) -> None:
    """Stop the cloud and remove all it keeps; other files in the folder stay."""
    stop(home)
    Home(root=home.absolute()).wipe()


def _reap() -> None:
    """Take leave of servers of this process that were killed by somebody else."""
    for pid in [pid for pid, child in _children.items() if child.poll() is not None]:
        del _children[pid]


def _living_record(place: Home) -> Record | None:
    record = place.read_record()
    if record is None or not is_same_process(record.pid, record.start_ticks):
        return None
    return record


def _signal(record: Record, number: signal.Signals) -> None:
    if is_same_process(record.pid, record.start_ticks):
        os.kill(record.pid, number)


def _require_free(port: int) -> None:
    if not ports.is_free(port):
        who = ports.holder(port) or "another program"
        raise PortTaken(f"port {port} is taken by {who}: end it, or choose another port with --port")


def _command(place: Home, port: int, lambda_runtime: Path, images: Path) -> list[str]:
    return [
        sys.executable,
        *("-m", "localcloud"),
        *("--port", str(port)),
        *("--home", str(place.root)),
        *("--lambda-runtime", str(lambda_runtime.absolute())),
        *("--images", str(images.absolute())),
    ]


def _wait_until_ready(
    process: "subprocess.Popen[bytes]", place: Home, port: int, timeout_s: float
) -> Running:
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StartFailed(f"the local cloud ended at once. {_tail(place)}")
        if status(place.root) is not None and _healthy_pid(url) == process.pid:
            _children[process.pid] = process
            return Running(pid=process.pid, port=port, url=url)
        time.sleep(0.05)
    # Not ready is as good as dead, and it must not take the port later, when nobody looks.
    process.kill()
    process.wait()
    raise StartFailed(f"the local cloud did not answer within {timeout_s:.0f} s. {_tail(place)}")


def _healthy_pid(url: str) -> int | None:
    """Return the process that answers for a cloud there, or None."""
    # A developer's proxy must neither see nor break a call to this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url + HEALTH_PATH, timeout=2) as answer:
            return msgspec.json.decode(answer.read(), type=_Health).pid
    except (urllib.error.URLError, OSError, msgspec.DecodeError):
        return None


def _tail(place: Home) -> str:
    """Return the last lines of the log, which say why."""
    lines = place.log_file.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:]
    return f"{place.log_file} ends with:\n" + "\n".join(lines)
