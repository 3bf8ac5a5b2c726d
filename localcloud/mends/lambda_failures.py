"""Lambda: AWS's words for functions that do not load, do not end or do not answer."""

import json
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from localcloud.mends.patch_points import require, wraps
from localcloud.settings import Settings

MEND = "lambda_failures"

_INIT_FAILED = "Worker init failed: "
_DIED = "Worker process died"
_TIMED_OUT = "Task timed out after "
_INIT_LINE = """_real_stdout.write(json.dumps({"status": "error", "error": str(e)}) + "\\n")"""
_MENDED_INIT_LINE = (
    """_real_stdout.write(json.dumps({"status": "error", "error": load_failure(module_name, handler_name, e)}) """
    """+ "\\n")"""
)


def mend(settings: Settings) -> None:
    """Name the failures of the environment as AWS does.

    AWS: Runtime.ImportModuleError "Unable to import module 'app': ...", Runtime.HandlerNotFound,
    Runtime.UserCodeSyntaxError, Runtime.ExitError, Sandbox.Timedout "RequestId: ... Error: Task
    timed out after 3.00 seconds" (awslambdaric's bootstrap; developer guide, "Troubleshoot
    execution issues").
    MiniStack 1.5.33: RuntimeError "Worker init failed: No module named 'x'" and
    Runtime.HandlerError "Worker process died"; the traceback of a failed import is lost.
    """
    del settings
    script = require(MEND, lambda_runtime, "_PYTHON_WORKER_SCRIPT", _INIT_LINE, "def load_failure(")
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(_INIT_LINE, _MENDED_INIT_LINE)
    require(MEND, lambda_runtime.Worker, "_spawn", 'raise RuntimeError(f"' + _INIT_FAILED)
    require(MEND, lambda_runtime.Worker, "invoke", f'"error": "{_DIED}"', f'"error": f"{_TIMED_OUT}')
    execute = require(MEND, lambda_svc, "_execute_function_warm", '"errorMessage": str(e)')

    @wraps(execute)
    def execute_function_warm(func: Any, event: Any, request_id: str) -> dict[str, Any]:
        outcome: dict[str, Any] = execute(func, event, request_id)
        body = outcome.get("body")
        if not outcome.get("error") or not isinstance(body, dict):
            return outcome
        told = in_words_of_aws(str(body.get("errorMessage", "")), request_id)
        if told is None:
            return outcome
        log = outcome.get("log") or "[ERROR] {errorType}: {errorMessage}".format(**told)
        return {**outcome, "body": told, "log": log}

    lambda_svc._execute_function_warm = execute_function_warm


def in_words_of_aws(message: str, request_id: str) -> dict[str, Any] | None:
    """Translate what MiniStack says about a worker; None for anything else."""
    if message.startswith(_INIT_FAILED):
        failure: dict[str, Any] = json.loads(message.removeprefix(_INIT_FAILED))
        return {**failure, "requestId": request_id}
    if message == _DIED:
        text = f"RequestId: {request_id} Error: Runtime exited without providing a reason"
        return {"errorType": "Runtime.ExitError", "errorMessage": text}
    if message.startswith(_TIMED_OUT):
        text = f"RequestId: {request_id} Error: {message}"
        return {"errorType": "Sandbox.Timedout", "errorMessage": text}
    return None
