"""API Gateway: every answer of a REST API is measured."""

import time
from typing import Any

from ministack.services import apigateway_v1 as v1

from localcloud.mends.metric_store import record
from localcloud.mends.patch_points import require, wraps
from localcloud.settings import Settings

MEND = "api_metrics"
_NAMESPACE = "AWS/ApiGateway"


def mend(settings: Settings) -> None:
    """Record Count, 4XXError, 5XXError and Latency of each request, by the API's name and its stage.

    AWS: the two errors are 0 or 1 a request, so that their average is a rate; what the gateway itself refuses counts
    too. Two APIs of one name are one metric (developer guide, "Amazon API Gateway dimensions and metrics").
    MiniStack 1.5.33: measures nothing.
    """
    del settings
    handle = require(
        MEND, v1, "_handle_execute_in_scope", "return _gateway_error_response(response, request)"
    )
    require(MEND, v1, "_rest_apis")

    @wraps(handle)
    async def handle_execute(api_id: str, stage_name: str, *arguments: Any) -> Any:
        started = time.monotonic()
        answer = await handle(api_id, stage_name, *arguments)
        api = v1._rest_apis.get(api_id)
        if api is not None:
            _record(api["name"], stage_name, answer[0], (time.monotonic() - started) * 1000)
        return answer

    v1._handle_execute_in_scope = handle_execute


def _record(api: str, stage: str, status: int, latency_ms: float) -> None:
    values = {
        "Count": (1, "Count"),
        "4XXError": (int(400 <= status < 500), "Count"),
        "5XXError": (int(status >= 500), "Count"),
        "Latency": (round(latency_ms), "Milliseconds"),
    }
    for name, (value, unit) in values.items():
        for dimensions in ({"ApiName": api}, {"ApiName": api, "Stage": stage}):
            record(_NAMESPACE, name, value, unit, dimensions)
