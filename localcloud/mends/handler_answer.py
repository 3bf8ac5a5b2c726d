"""Run one handler call as AWS's runtime does. This file travels into the Lambda worker.

The worker is another interpreter with boto3 only: nothing but the standard library here.
"""

import json
import sys
import traceback
from collections.abc import Callable
from typing import Any

END_OF_LOG = "\x1elocalcloud:end-of-invocation"
# 6 MB and 100 bytes: the number is that of AWS's own error message.
RESULT_LIMIT_BYTES = 6_291_556


def answer_line(handler: Callable[[Any, Any], Any], event: Any, context: Any) -> str:
    """Return the worker's answer as one line of JSON: a result, or what the handler raised."""
    try:
        result = handler(event, context)
    except Exception as error:  # noqa: BLE001 - the supervisor of foreign code
        line = _failure_line(type(error).__name__, str(error), _frames(error))
        sys.stderr.write(f"[ERROR] {type(error).__name__}: {error}\nTraceback (most recent call last):\n")
        sys.stderr.write("".join(_frames(error)))
    else:
        line = _result_line(result)
    # stderr is the log: the server reads up to this mark instead of waiting for silence.
    sys.stderr.write(END_OF_LOG + "\n")
    sys.stderr.flush()
    return line


def load_failure(module: str, handler: str, error: Exception) -> str:
    """Return, as JSON, what AWS says about a module or handler that cannot be loaded."""
    if isinstance(error, SyntaxError):
        kind, message = "Runtime.UserCodeSyntaxError", f"Syntax error in module '{module}': {error}"
    elif isinstance(error, ImportError):
        kind, message = "Runtime.ImportModuleError", f"Unable to import module '{module}': {error}"
    elif isinstance(error, AttributeError) and module in sys.modules:
        kind, message = "Runtime.HandlerNotFound", f"Handler '{handler}' missing on module '{module}'"
    else:
        kind, message = type(error).__name__, str(error)
    return json.dumps(_failure(kind, message, _frames(error)))


def _result_line(result: Any) -> str:
    try:
        line = json.dumps({"status": "ok", "result": result})
    except (TypeError, ValueError) as error:
        return _failure_line("Runtime.MarshalError", f"Unable to marshal response: {error}", [])
    if len(line) > RESULT_LIMIT_BYTES:
        limit = f"maximum allowed payload size ({RESULT_LIMIT_BYTES} bytes)"
        return _failure_line("Function.ResponseSizeTooLarge", f"Response payload size exceeded {limit}.", [])
    return line


def _frames(error: Exception) -> list[str]:
    """Return the stack without the frame of the worker itself."""
    return traceback.format_list(traceback.extract_tb(error.__traceback__)[1:])


def _failure_line(kind: str, message: str, frames: list[str]) -> str:
    return json.dumps({"status": "ok", "result": None, "failure": _failure(kind, message, frames)})


def _failure(kind: str, message: str, frames: list[str]) -> dict[str, Any]:
    return {"errorMessage": message, "errorType": kind, "requestId": "", "stackTrace": frames}
