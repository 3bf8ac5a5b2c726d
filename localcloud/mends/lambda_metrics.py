"""Lambda: every run is measured, whoever started it."""

from typing import Any

from ministack.services import lambda_svc

from localcloud.mends.metric_store import record
from localcloud.mends.patch_points import require, wraps
from localcloud.settings import Settings

MEND = "lambda_metrics"
_NAMESPACE = "AWS/Lambda"


def mend(settings: Settings) -> None:
    """Record Invocations, Errors, Duration, ConcurrentExecutions and Throttles at each run.

    AWS: every run counts, also one that API Gateway, EventBridge or a retry started; a throttled request is no
    invocation (developer guide, "Types of metrics for Lambda functions").
    MiniStack 1.5.33: measures calls of Invoke only, counts an asynchronous one when it is accepted and never as an
    error, and a throttled one twice and as an invocation (read).
    """
    del settings
    require(MEND, lambda_svc, "_emit_lambda_metrics", '"AWS/Lambda", "Throttles"')
    require(MEND, lambda_svc, "_execute_function", "slot, limit = _acquire_execution_slot(func, config)")
    logs = require(MEND, lambda_svc, "_emit_lambda_logs", "error: bool, duration_ms: int")
    require(MEND, lambda_svc, "_execute_function_dispatch", "_emit_lambda_logs(")
    acquire = require(MEND, lambda_svc, "_acquire_execution_slot", "return key, None")

    @wraps(acquire)
    def acquire_execution_slot(func: Any, config: dict[str, Any]) -> Any:
        slot, limit = acquire(func, config)
        name = config.get("FunctionName", "unknown")
        if slot is None:
            _record(name, "Throttles", 1)
        else:
            _total, running = lambda_svc.executions_in_flight()
            _record(name, "ConcurrentExecutions", running.get(slot, 1))
        return slot, limit

    @wraps(logs)
    def emit_lambda_logs(
        func: dict[str, Any], request_id: str, text: str, error: bool, duration_ms: int, **options: Any
    ) -> None:
        name = (func.get("config") or func).get("FunctionName", "unknown")
        _record(name, "Invocations", 1)
        _record(name, "Errors", int(error))
        _record(name, "Duration", duration_ms, "Milliseconds")
        logs(func, request_id, text, error, duration_ms, **options)

    lambda_svc._emit_lambda_metrics = lambda *_arguments, **_named: None
    lambda_svc._acquire_execution_slot = acquire_execution_slot
    lambda_svc._emit_lambda_logs = emit_lambda_logs


def _record(function: str, name: str, value: float, unit: str = "Count") -> None:
    record(_NAMESPACE, name, value, unit, {"FunctionName": function})
