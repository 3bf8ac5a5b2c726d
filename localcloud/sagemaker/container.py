"""A container without Docker: the image's environment, a private /opt/ml and nothing left behind.

With user namespaces the program is process 1 of its own process, mount and (isolated) network
namespaces, and sees its own folder at /opt/ml. Where those are forbidden, a guard process runs it and
SAGEMAKER_BASE_DIR tells AWS's toolkit where the folder is.
"""

import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from localcloud.processes import Spawner, children_of
from localcloud.sagemaker.warm import WarmInterpreters

_GUARD: Final = Path(__file__).with_name("guard.py")
_ENTER: Final = Path(__file__).with_name("enter_container.sh")
_UNSHARE: Final = ("unshare", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
_OPTIONS: Final[dict[str, Any]] = {
    "stdout": subprocess.PIPE,
    "stderr": subprocess.STDOUT,
    "text": True,
    "errors": "replace",
    # A group of its own, so that one signal reaches all of it.
    "start_new_session": True,
}
_HOSTS: Final = "127.0.0.1 localhost algo-1\n::1 localhost\n"
logger = logging.getLogger(__name__)


class ContainerSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What to run, and in which folders: `base` becomes /opt/ml, `work` holds the rest and is the cwd.

    One that `is_lasting` rather starts two seconds later than with packages of its own, 110 MB of them.
    """

    command: Sequence[str]
    image: Path
    base: Path
    work: Path
    environment: Mapping[str, str]
    is_isolated: bool = False
    is_lasting: bool = False


class Containers:
    """How this server starts containers: in namespaces where it may, from warm interpreters where it shall."""

    def __init__(self, scratch: Path, *, use_namespaces: bool, is_warm: bool) -> None:
        self._spawner = Spawner()
        self._warm: WarmInterpreters | None = None
        self.use_namespaces = use_namespaces and self._may_use_namespaces(scratch)
        # Without namespaces a copy of another process could not be brought into the container.
        if is_warm and self.use_namespaces:
            self._warm = WarmInterpreters(scratch / "warm", self._spawner)

    def start(self, spec: ContainerSpec, on_line: Callable[[str], None]) -> "Container":
        """Start a container; `on_line` gets every line it prints."""
        for folder in ("tmp", "home"):
            (spec.work / folder).mkdir(parents=True, exist_ok=True)
        if self.use_namespaces:
            return Container(self._start_in_namespaces(spec), in_namespace=True, on_line=on_line)
        return Container(_start_guarded(spec), in_namespace=False, on_line=on_line)

    def close(self) -> None:
        """End what waits for containers to come; those that run are their owners' to end."""
        if self._warm is not None:
            self._warm.close()

    def _start_in_namespaces(self, spec: ContainerSpec) -> Any:
        environment = _base_environment(spec) | dict(spec.environment)
        command = spec.command
        if self._warm is not None:
            command = self._warm.command(spec.image, command, environment, is_patient=spec.is_lasting)
        return self._spawner.start(
            _namespace_command(spec, command),
            env=environment,
            cwd=spec.work,
            stdin=subprocess.DEVNULL,
            **_OPTIONS,
        )

    def _may_use_namespaces(self, scratch: Path) -> bool:
        """Try once whether this machine lets us build a container out of namespaces."""
        if not (shutil.which("unshare") and shutil.which("setpriv")):
            return False
        base = scratch / "probe" / "ml"
        for folder in (base, base.parent / "tmp", base.parent / "home"):
            folder.mkdir(parents=True, exist_ok=True)
        command = ["test", "-d", "/opt/ml"]
        spec = ContainerSpec(
            command=command, image=scratch, base=base, work=base.parent, environment={}, is_isolated=True
        )
        seen: list[str] = []
        code = Container(self._start_in_namespaces(spec), in_namespace=True, on_line=seen.append).wait(20)
        shutil.rmtree(base.parent, ignore_errors=True)
        if code != 0:
            logger.warning(
                "no user namespaces here, containers share this machine's /opt: %s", " ".join(seen)
            )
        return code == 0


class Container:
    """A started container; `on_line` gets every line it prints."""

    def __init__(self, process: Any, *, in_namespace: bool, on_line: Callable[[str], None]) -> None:
        self._in_namespace, self._process = in_namespace, process
        self._reader = threading.Thread(target=self._read_lines, args=(on_line,), daemon=True)
        self._reader.start()

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Return the exit code once the program has ended and all it printed is read; None after the timeout."""
        try:
            code = int(self._process.wait(timeout_s))
        except subprocess.TimeoutExpired:
            return None
        # Process 1 took its namespace with it; without one, what it started may still run.
        if not self._in_namespace:
            self.kill()
        self._reader.join(timeout=5)
        return code

    @property
    def is_running(self) -> bool:
        """Whether the program has not ended yet."""
        return self._process.poll() is None

    def stop(self, grace_s: float) -> None:
        """Ask the program to end, and kill it with all it started when it has not after the grace."""
        self._terminate()
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Kill everything that runs in the container."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return

    def _terminate(self) -> None:
        """Send SIGTERM to the program itself."""
        # unshare itself must live on to take its child with it; process 1 inside gets the signal, and
        # like in Docker it is ignored unless the program handles it.
        for pid in children_of(self._process.pid) if self._in_namespace else [self._process.pid]:
            try:
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                continue

    def _read_lines(self, on_line: Callable[[str], None]) -> None:
        with self._process.stdout as stdout:
            for line in stdout:
                on_line(line.rstrip("\r\n"))


def _start_guarded(spec: ContainerSpec) -> Any:
    """Start the program under a guard, with everything that names /opt/ml pointed at the folder itself."""
    environment = _base_environment(spec) | dict(spec.environment)
    environment = {name: value.replace("/opt/ml", str(spec.base)) for name, value in environment.items()}
    environment["SAGEMAKER_BASE_DIR"] = str(spec.base)
    command = [part.replace("/opt/ml", str(spec.base)) for part in spec.command]
    # The guard's stdin is a pipe from this process: when it closes, the guard kills the group. The
    # parent-death signal alone would end the guard and leave the program.
    guarded = [sys.executable, "-I", "-S", str(_GUARD), *command]
    return subprocess.Popen(guarded, env=environment, cwd=spec.work, stdin=subprocess.PIPE, **_OPTIONS)


def _namespace_command(spec: ContainerSpec, command: Sequence[str]) -> list[str]:
    (spec.work / "hosts").write_text(_HOSTS, encoding="utf-8")
    network = ["--net"] if spec.is_isolated else []
    return [*_UNSHARE, *network, "sh", str(_ENTER), str(spec.base), str(spec.work), *command]


def _base_environment(spec: ContainerSpec) -> dict[str, str]:
    """Return what the image itself sets; nothing of the server's environment leaks in."""
    packages = str(spec.work / "site-packages")
    return {
        "PATH": f"{spec.image / 'bin'}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "HOME": str(spec.work / "home"),
        "TMPDIR": str(spec.work / "tmp"),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        # An image is read-only: a script's requirements.txt installs into the container alone.
        "PIP_TARGET": packages,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PYTHONPATH": packages,
    }
