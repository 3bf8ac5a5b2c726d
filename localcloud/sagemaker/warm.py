"""Interpreters that have their packages imported already, so that a container's program starts at once.

Importing scikit-learn takes two CPU seconds, and a job and an endpoint do so time and again. Here one process per image, and per set of
variables that interpreter and libraries read only when they start, imports once and forks for each container (`preloaded/`). It
is started when the first container needs it, sleeps while nobody asks, ends when nothing of it has run for ten minutes, and dies with
the server.
"""

import contextlib
import hashlib
import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from localcloud.processes import Spawner, children_of

_PRELOADED: Final = Path(__file__).with_name("preloaded")
# Where who wants to start at once asks, and who waits until all is imported.
_LISTENERS: Final = ("hasty", "patient")
IDLE_S: Final = 600
# Each takes some 230 MB, which its containers share; what asks for a fifth kind starts from cold.
MOST: Final = 4
# What a training or serving container imports anyway; an image that has only some of it loads those. Reading a model without
# pickle looks at all of scikit-learn, 6 MB that each endpoint would have for itself. Not all of gunicorn: its settings note the folder they
# are imported in.
MODULES: Final = (
    "sagemaker_training.cli.train",
    "numpy",
    "pandas",
    "pyarrow.parquet",
    "sklearn.ensemble",
    "sklearn.feature_extraction.text",
    "sklearn.neighbors",
    "flask",
    "sklearn.*",
    "gunicorn.workers.gthread",
    "gunicorn.glogging",
)
# PYTHONPATH is a container's own and looked at when it asks; output is never buffered here.
_READ_AT_START: Final = re.compile(
    r"(PYTHON(?!PATH$|UNBUFFERED$)|OMP_|GOMP_|KMP_|OPENBLAS_|GOTO_|MKL_|BLIS_|NUMEXPR_|ARROW_|MALLOC_|GLIBC_|LD_|LC_|LANG)"
    r"|SAGEMAKER_BASE_DIR$"
)


class WarmInterpreters:
    """The interpreters of one server; `command` starts them as they are needed, `close` ends them all."""

    def __init__(self, folder: Path, spawner: Spawner) -> None:
        self._folder, self._spawner = folder, spawner
        self._running: dict[str, subprocess.Popen[Any]] = {}
        self._asked_at: dict[str, float] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        threading.Thread(target=self._look_around, name="warm-interpreters", daemon=True).start()

    def command(
        self, image: Path, command: Sequence[str], environment: Mapping[str, str], *, is_patient: bool
    ) -> list[str]:
        """Return what runs the command in a copy of a warm interpreter; as it is where there is none for it.

        Who is patient waits until the interpreter has imported all, and shares all of it.
        """
        python = str(image / "bin" / "python")
        if command[0] != python:
            return list(command)
        variables = read_at_start(environment)
        name = _name(image, variables)
        with self._lock:
            if not self._has_started(name, image, variables):
                return list(command)
            self._asked_at[name] = time.monotonic()
        folder = self._folder / name
        return [*_runner(folder / _LISTENERS[is_patient], python), str(folder / "python"), *command[1:]]

    def end_idle(self, now: float) -> None:
        """End those that nothing asked for long and nothing runs of: most of what they hold is theirs alone then."""
        with self._lock:
            for name, process in list(self._running.items()):
                if now - self._asked_at[name] >= IDLE_S and not children_of(process.pid):
                    process.kill()
                    process.wait()
                    del self._running[name]

    def close(self) -> None:
        """End them; what they became dies with its container."""
        self._closed.set()
        with self._lock:
            for process in self._running.values():
                process.kill()
                process.wait()
            self._running.clear()

    def _has_started(self, name: str, image: Path, variables: Mapping[str, str]) -> bool:
        """Start the interpreter unless it runs; tell whether it does."""
        process = self._running.get(name)
        if process is not None and process.poll() is None:
            return True
        if process is None and len(self._running) >= MOST:
            return False
        self._running[name] = self._start(self._folder / name, image, variables)
        return True

    def _start(self, folder: Path, image: Path, variables: Mapping[str, str]) -> subprocess.Popen[Any]:
        folder.mkdir(parents=True, exist_ok=True)
        python = str(image / "bin" / "python")
        # Where a program starts another one by `sys.executable`, as AWS's toolkit starts the script, that is warm as well.
        launcher = " ".join(f"'{word}'" for word in [*_runner(folder / _LISTENERS[0], python), python])
        (folder / "python").write_text(f'#!/bin/sh\nexec {launcher} "$@"\n', encoding="utf-8")
        (folder / "python").chmod(0o755)
        environment = {
            "PATH": f"{image / 'bin'}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            # AWS's toolkit looks for the folder once, while it is imported.
            "SAGEMAKER_BASE_DIR": "/opt/ml",
        }
        with contextlib.ExitStack() as opened:
            listeners = [opened.enter_context(_listen(folder / name)) for name in _LISTENERS]
            numbers = [listener.fileno() for listener in listeners]
            log = opened.enter_context((folder / "log").open("ab"))
            return self._spawner.start(
                [python, str(_PRELOADED / "interpreter.py"), *map(str, numbers), *MODULES],
                env={**environment, **variables},
                cwd=folder,
                pass_fds=numbers,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _look_around(self) -> None:
        while not self._closed.wait(IDLE_S / 10):
            self.end_idle(time.monotonic())


def read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that have an effect only on an interpreter that starts with them."""
    return {name: value for name, value in environment.items() if _READ_AT_START.match(name)}


def _name(image: Path, variables: Mapping[str, str]) -> str:
    return hashlib.sha256(repr((str(image), sorted(variables.items()))).encode()).hexdigest()[:12]


def _runner(listener: Path, python: str) -> list[str]:
    return [python, "-I", "-S", str(_PRELOADED / "stand_in.py"), str(listener), python]


def _listen(path: Path) -> socket.socket:
    """Return a socket that listens already: who asks early waits, who asks after the interpreter's end finds nobody."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    # By its folder's descriptor: the path of a socket may not be longer than 107 bytes.
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        listener.bind(f"/proc/self/fd/{folder}/{path.name}")
        listener.listen()
    finally:
        os.close(folder)
    return listener
