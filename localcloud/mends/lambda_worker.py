"""Lambda: the worker outlives a handled exception, and says what AWS says about it."""

import inspect
import queue
import time
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from localcloud.mends import handler_answer
from localcloud.mends.patch_points import require, wraps
from localcloud.settings import Settings

MEND = "lambda_worker"

_CALL = """        try:
            result = handler_fn(event, context)
            _real_stdout.write(json.dumps({"status": "ok", "result": result}) + "\\n")
        except Exception as e:
            _real_stdout.write(json.dumps({"status": "error", "error": str(e), "trace": traceback.format_exc()}) + "\\n")
"""
_MENDED_CALL = """        _real_stdout.write(answer_line(handler_fn, event, context) + "\\n")
"""
_LOG_WAIT_S = 0.25


class HandlerFailure(dict[str, Any]):
    """AWS's `{errorMessage, errorType, requestId, stackTrace}` of a handler that raised."""


def mend(settings: Settings) -> None:
    """Keep the worker, report the exception as AWS does, and take the log without waiting.

    AWS: an exception ends the invocation, not the execution environment; the caller gets
    errorMessage, errorType and stackTrace (developer guide, "Lambda function errors in Python").
    MiniStack 1.5.33: kills the worker, so that the next call is cold (+1 s), says
    `Runtime.HandlerError` for every exception, and waits 50 ms for stderr after each call of a
    handler that prints nothing (18 calls/s instead of 67, measured).
    """
    del settings
    script = require(MEND, lambda_runtime, "_PYTHON_WORKER_SCRIPT", _CALL)
    lambda_runtime._PYTHON_WORKER_SCRIPT = _with_answer_line(script)
    invoke = require(MEND, lambda_runtime.Worker, "invoke", 'response["log"] = self._drain_stderr_bounded()')
    execute = require(
        MEND, lambda_svc, "_execute_function_warm", 'return {"body": result.get("result"), "log"'
    )
    require(MEND, lambda_runtime.Worker, "_drain_stderr_bounded", "self._stderr_queue.get_nowait()")

    @wraps(invoke)
    def invoke_and_keep(self: Any, event: Any, request_id: str, **options: Any) -> dict[str, Any]:
        response: dict[str, Any] = invoke(self, event, request_id, **options)
        if "failure" in response:
            failure = {**response.pop("failure"), "requestId": request_id}
            response["result"] = HandlerFailure(failure)
        return response

    @wraps(execute)
    def execute_function_warm(func: Any, event: Any, request_id: str) -> dict[str, Any]:
        outcome: dict[str, Any] = execute(func, event, request_id)
        if isinstance(outcome.get("body"), HandlerFailure):
            return {**outcome, "error": True, "function_error": "Unhandled"}
        return outcome

    lambda_runtime.Worker.invoke = invoke_and_keep
    lambda_runtime.Worker._drain_stderr_bounded = _drain_to_mark
    lambda_svc._execute_function_warm = execute_function_warm


def _with_answer_line(script: str) -> str:
    """Return the worker's script with `handler_answer` in front and its call in place."""
    return inspect.getsource(handler_answer) + "\n" + script.replace(_CALL, _MENDED_CALL)


def _drain_to_mark(worker: Any, **_limits: float) -> str:
    """Return the lines a call printed: up to the end mark, or what came in time from a dying worker."""
    lines: list[str] = []
    deadline = time.monotonic() + _LOG_WAIT_S
    while (left := deadline - time.monotonic()) > 0:
        try:
            line = worker._stderr_queue.get(timeout=left)
        except queue.Empty:
            break
        if line.endswith(handler_answer.END_OF_LOG):
            lines.append(line.removesuffix(handler_answer.END_OF_LOG))
            break
        lines.append(line)
    return "\n".join(line for line in lines if line)
