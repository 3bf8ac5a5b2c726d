"""API Gateway: limits, and errors in the shape the API's owner chose."""

import asyncio
import json
import re
import time
from datetime import UTC, datetime
from typing import Any

from ministack.services import apigateway_v1 as v1

from localcloud.mends.patch_points import require, wraps
from localcloud.settings import ACCOUNT_ID, Settings

MEND = "gateway_errors"
# Both from "Amazon API Gateway quotas", REST APIs: 10 MB, and 29 s as the default.
PAYLOAD_BYTES = 10 * 1024 * 1024
INTEGRATION_TIMEOUT_S = 29.0

_VARIABLE = re.compile(r"\$(?:\{(context(?:\.\w+)+)\}|(context(?:\.[A-Za-z]\w*)+))")


def mend(settings: Settings) -> None:
    """Enforce 10 MB and 29 s, and send every error of the gateway through its gateway response.

    AWS: a request beyond 10 MB is REQUEST_TOO_LARGE (413), an integration beyond 29 s
    INTEGRATION_TIMEOUT (504), a Lambda proxy that fails or answers nonsense is 502 "Internal server
    error" (DEFAULT_5XX); templates know all of `$context` (API Gateway developer guide, "Amazon API
    Gateway quotas", "Gateway response types", "Variables for data models").
    MiniStack 1.5.33: neither limit; a failed function answers 502 with the exception in
    `message`, past the gateway responses; of `$context` it renders requestId, stage, resourcePath
    and error.*, and leaves the others as text (tried).
    """
    del settings
    execute = require(
        MEND, v1, "_execute_in_scope", "_check_throttle(", "request, api_id, stage_name, method, path"
    )
    render = require(MEND, v1, "_gateway_error_response", "_GATEWAY_TEMPLATE_VARIABLE.sub(", "variables.get(")
    require(MEND, v1, "_GatewayError")
    proxy = require(MEND, v1, "_invoke_lambda_proxy_v1", 'return 502, {"Content-Type": "application/json"}')

    @wraps(execute)
    async def execute_in_scope(request: dict[str, Any], *arguments: Any) -> Any:
        method, path, headers, body = arguments[2:6]
        request["_facts"] = {"method": method, "path": path, "headers": headers or {}}
        if len(body or b"") > PAYLOAD_BYTES:
            request["stage"] = v1.stages_for_api(request["api_id"]).get(request["stage_name"]) or {}
            return v1._GatewayError("REQUEST_TOO_LARGE", "Request Too Long", "RequestTooLargeException")
        return await execute(request, *arguments)

    @wraps(proxy)
    async def invoke_lambda_proxy(integration: dict[str, Any], *arguments: Any, **options: Any) -> Any:
        limit = min(INTEGRATION_TIMEOUT_S, int(integration.get("timeoutInMillis") or 29_000) / 1000)
        call = asyncio.ensure_future(proxy(integration, *arguments, **options))
        # The function runs on, as in AWS; only nobody waits for it any more.
        done, _running = await asyncio.wait({call}, timeout=limit)
        if not done:
            return v1._GatewayError("INTEGRATION_TIMEOUT", "Endpoint request timed out")
        answer = call.result()
        return _broken_integration() if _is_failure(answer) else answer

    @wraps(render)
    def gateway_error_response(error: Any, request: dict[str, Any]) -> Any:
        status, headers, body = render(error, request)
        status = getattr(error, "status", status)
        variables = context_variables(request, status, headers.get("x-amzn-requestid", ""))
        return status, _one_content_type(headers), _rendered(body.decode(), variables).encode()

    v1._execute_in_scope = execute_in_scope
    v1._invoke_lambda_proxy_v1 = invoke_lambda_proxy
    v1._gateway_error_response = gateway_error_response


def _is_failure(answer: Any) -> bool:
    """Recognise MiniStack's own 502: a JSON body with nothing but the function's error as message."""
    if not isinstance(answer, tuple) or answer[0] != 502 or answer[1] != {"Content-Type": "application/json"}:
        return False
    try:
        return set(json.loads(answer[2])) == {"message"}
    except ValueError:
        return False


def _broken_integration() -> Any:
    error = v1._GatewayError("DEFAULT_5XX", "Internal server error")
    # The type's own default is 500; a malformed or failed Lambda proxy is 502 in AWS.
    error.status = 502
    return error


def context_variables(request: dict[str, Any], status: int, request_id: str) -> dict[str, str]:
    """Return the `$context` variables of a gateway response that MiniStack does not render itself."""
    facts = request.get("_facts", {"method": "", "path": "", "headers": {}})
    now = time.time()
    source = str(facts["headers"].get("x-forwarded-for", "127.0.0.1")).split(",")[0].strip()
    return {
        "context.accountId": ACCOUNT_ID,
        "context.apiId": request["api_id"],
        "context.domainName": str(facts["headers"].get("host", "")),
        "context.error.validationErrorString": "",
        "context.extendedRequestId": request_id,
        "context.httpMethod": facts["method"],
        "context.identity.sourceIp": source,
        "context.identity.userAgent": str(facts["headers"].get("user-agent", "")),
        "context.path": f"/{request['stage_name']}{facts['path']}",
        "context.protocol": "HTTP/1.1",
        "context.requestTime": datetime.fromtimestamp(now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "context.requestTimeEpoch": str(int(now * 1000)),
        "context.responseOverride.status": str(status),
    }


def _rendered(text: str, variables: dict[str, str]) -> str:
    """Put in the variables; one that does not exist renders empty, as in AWS."""
    return _VARIABLE.sub(lambda match: variables.get(match[1] or match[2], ""), text)


def _one_content_type(headers: dict[str, str]) -> dict[str, str]:
    """Let the content type a gateway response sets replace the default, however it is spelled."""
    kept: dict[str, tuple[str, str]] = {}
    for name, value in headers.items():
        kept[name.lower()] = (name, value)
    return dict(kept.values())
