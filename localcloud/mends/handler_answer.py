"""Run one handler call as AWS's runtime does. This file travels into the Lambda worker.

The worker is another interpreter with boto3 only: nothing but the standard library here.
"""

import json
import sys
import traceback
from collections.abc import Callable
from typing import Any

END_OF_LOG = "\x1elocalcloud:end-of-invocation"


def answer_line(handler: Callable[[Any, Any], Any], event: Any, context: Any) -> str:
    """Return the worker's answer as one line of JSON: a result, or what the handler raised."""
    try:
        result = handler(event, context)
    except Exception as error:  # noqa: BLE001 - the supervisor of foreign code
        answer = {"status": "ok", "result": None, "failure": _failure(error)}
        line = json.dumps(answer)
    else:
        line = _result_line(result)
    # stderr is the log: the server reads up to this mark instead of waiting for silence.
    sys.stderr.write(END_OF_LOG + "\n")
    sys.stderr.flush()
    return line


def _result_line(result: Any) -> str:
    try:
        return json.dumps({"status": "ok", "result": result})
    except (TypeError, ValueError) as error:
        failure = {
            "errorMessage": f"Unable to marshal response: {error}",
            "errorType": "Runtime.MarshalError",
            "requestId": "",
            "stackTrace": [],
        }
        return json.dumps({"status": "ok", "result": None, "failure": failure})


def _failure(error: Exception) -> dict[str, Any]:
    """Shape an exception as AWS's runtime does; the frames of the worker itself are left out."""
    frames = traceback.format_list(traceback.extract_tb(error.__traceback__)[1:])
    sys.stderr.write(
        f"[ERROR] {type(error).__name__}: {error}\nTraceback (most recent call last):\n{''.join(frames)}"
    )
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": "",
        "stackTrace": frames,
    }
