"""Lambda: a clean interpreter that sees what AWS would let it see."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from ministack.core import lambda_runtime

from localcloud.errors import LocalCloudError
from localcloud.mends.patch_points import require
from localcloud.processes import Spawner
from localcloud.settings import Settings

MEND = "lambda_environment"
LOCAL_RUNTIME = "python3.12"

# Written by the service into every environment, so kept even where the server has the same value.
_SET_BY_SERVICE = (
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL",
    "LAMBDA_TASK_ROOT",
)
_SERVICE_PREFIXES = ("AWS_LAMBDA_", "_LAMBDA_", "_MINISTACK_", "MINISTACK_HOST_PREFIX")


def mend(settings: Settings) -> None:
    """Run functions in the runtime's own interpreter with their own environment.

    AWS: a Python function sees the runtime's packages (boto3), its own code, its own variables
    and the ones Lambda defines (developer guide, "Defined runtime environment variables").
    MiniStack 1.5.33: starts `sys.executable`, so every package of the tools is importable and a
    missing dependency goes unnoticed; it hands on the whole environment of the server.
    Here also: the worker is killed together with the server (see `Spawner`), and has a temporary
    folder of its own. Memory is not limited: an address-space limit would refuse what AWS's
    resident-memory limit allows (DuckDB and numpy reserve much more than they use).
    """
    detect = require(
        MEND, lambda_runtime, "_detect_runtime_binary", "return sys.executable, _PYTHON_WORKER_SCRIPT"
    )
    require(
        MEND,
        lambda_runtime.Worker,
        "_spawn",
        "spawn_env = {**os.environ, **env_vars}",
        "self._proc = subprocess.Popen(\n            [binary, worker_path],\n            cwd=code_dir,",
    )
    require(MEND, lambda_runtime, "subprocess")

    def detect_runtime_binary(runtime: str) -> tuple[str, str]:
        binary, script = detect(runtime)
        if not runtime.startswith("python"):
            return binary, script
        if runtime != LOCAL_RUNTIME:
            raise LocalCloudError(f"runtime {runtime} is not here: the local cloud runs {LOCAL_RUNTIME}")
        # Read again on each start: another mend may have replaced the worker's script meanwhile.
        return str(settings.lambda_runtime), lambda_runtime._PYTHON_WORKER_SCRIPT

    lambda_runtime._detect_runtime_binary = detect_runtime_binary
    lambda_runtime.subprocess = _IsolatedSubprocess(settings.home.tmp, Spawner())


class _IsolatedSubprocess(ModuleType):
    """The `subprocess` that MiniStack's Lambda runtime sees; only `Popen` differs."""

    def __init__(self, tmp: Path, spawner: Spawner) -> None:
        super().__init__("subprocess")
        self._tmp = tmp
        self._spawner = spawner

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)

    def Popen(  # noqa: N802 - the name MiniStack calls
        self, command: Sequence[str], *, env: Mapping[str, str], cwd: str, **options: Any
    ) -> "subprocess.Popen[Any]":
        """Start a worker: isolated (-I), unbuffered (-u). The first one of a zip leaves its bytecode to the next."""
        binary, script = command
        scratch = Path(script).parent / "tmp"
        scratch.mkdir(exist_ok=True)
        return self._spawner.start(
            [binary, "-I", "-u", script],
            env=lambda_variables(env, os.environ, scratch),
            cwd=cwd,
            **options,
        )


def lambda_variables(spawned: Mapping[str, str], server: Mapping[str, str], scratch: Path) -> dict[str, str]:
    """Return the environment AWS would give, from what MiniStack mixed out of server and function.

    A variable of the function that happens to equal the server's is dropped here and comes back
    with the worker's first message, which carries the function's own variables.
    """
    own = {
        name: value
        for name, value in spawned.items()
        if name in _SET_BY_SERVICE or name.startswith(_SERVICE_PREFIXES) or server.get(name) != value
    }
    name = own.get("AWS_LAMBDA_FUNCTION_NAME", "")
    defined = {
        "PATH": "/usr/local/bin:/usr/bin:/bin:/opt/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        # Nothing of the developer's ~/.aws may be found.
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{LOCAL_RUNTIME}",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
    }
    return defined | own
