"""What `train` does: find the script, unpack it, run it with what SageMaker told the container, and say why it failed.

The script mode of AWS's own images, as far as recipes use it: `sagemaker_program` and `sagemaker_submit_directory` among
the hyperparameters, `SM_*` in the environment, `/opt/ml/output/failure` for a person.
"""

import json
import os
import signal
import subprocess
import sys
import tarfile
from collections import deque
from pathlib import Path
from typing import Any

from .environment import script_environment

# SageMaker shows the first 1,024 characters of the failure file.
FAILURE_CHARS = 1000
LAST_LINES = 5


class CannotStart(Exception):
    """The job names no script that could be run; the text goes into the failure file."""


def main() -> int:
    """Run the training job in `/opt/ml` (or `SAGEMAKER_BASE_DIR`) and return its exit code."""
    base = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
    try:
        parameters = read_parameters(base)
        script = find_script(base, parameters)
    except CannotStart as error:
        _fail(base, str(error))
        return 1
    code, last = run(script, script_environment(base, parameters))
    if code:
        _fail(base, f"{script.name} ended with {code}: {' | '.join(last) or 'it said nothing'}")
    return code


def read_parameters(base: Path) -> dict[str, Any]:
    """Return the hyperparameters; each is JSON in a string, or plain text."""
    path = base / "input" / "config" / "hyperparameters.json"
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CannotStart(f"{path} cannot be read: {error}") from error
    return {name: _decoded(value) for name, value in given.items()}


def find_script(base: Path, parameters: dict[str, Any]) -> Path:
    """Return the script, unpacked from the submit directory, or from `code` where the image brings it."""
    program, directory = parameters.get("sagemaker_program"), parameters.get("sagemaker_submit_directory")
    if not isinstance(program, str):
        raise CannotStart("the hyperparameters name no sagemaker_program")
    code = base / "code"
    if isinstance(directory, str):
        # Where nothing is mounted at /opt/ml, the documented paths still have to work.
        unpack(Path(directory.replace("/opt/ml", str(base), 1)), code)
    script = code / program
    if not script.is_file():
        raise CannotStart(f"there is no {program} in the recipe")
    return script


def unpack(tarball: Path, into: Path) -> None:
    """Unpack a recipe; a member that would leave the folder is refused."""
    into.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(tarball) as archive:
            archive.extractall(into, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise CannotStart(f"{tarball} cannot be unpacked: {error}") from error


def run(script: Path, environment: dict[str, str]) -> tuple[int, list[str]]:
    """Run the script in its folder and return its exit code and the last lines of its stderr.

    It gets SIGTERM when the job is stopped, so that it may save what it has.
    """
    process = subprocess.Popen(
        [sys.executable, script.name],
        cwd=script.parent,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: process.send_signal(received))
    last: deque[str] = deque(maxlen=LAST_LINES)
    for line in process.stderr or ():
        print(line, end="", file=sys.stderr, flush=True)
        if line.strip():
            last.append(line.strip())
    code = process.wait()
    # A signal's number is negative here; a shell, and SageMaker, add it to 128.
    return (code if code >= 0 else 128 - code), list(last)


def _fail(base: Path, why: str) -> None:
    """Write why, unless the script has said it better."""
    path = base / "output" / "failure"
    print(why, file=sys.stderr, flush=True)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(why[-FAILURE_CHARS:], encoding="utf-8")


def _decoded(value: Any) -> Any:
    try:
        return json.loads(value)
    except (TypeError, ValueError):
        return value
