"""Lambda: AWS's limits on code and payload sizes."""

import json
import re
from typing import Any

from ministack.services import lambda_svc

from localcloud.mends.patch_points import require, wraps
from localcloud.settings import Settings

MEND = "lambda_limits"

# The 50 MB of a direct upload are a limit on the whole request, in which the zip is base64.
CODE_REQUEST_BYTES = 70_167_211
SYNC_PAYLOAD_BYTES = 6_291_456
ASYNC_PAYLOAD_BYTES = 1_048_576

_FUNCTIONS = re.compile(r"/2015-03-31/functions/?")
_CODE = re.compile(r"/2015-03-31/functions/[^/]+/code/?")
_INVOCATIONS = re.compile(r"/2015-03-31/functions/[^/]+/invocations/?")


def mend(settings: Settings) -> None:
    """Refuse code and payloads that AWS refuses.

    AWS: a zip sent directly is at most 50 MB, a payload 6 MB for a synchronous and 1 MB for an
    asynchronous invocation (developer guide, "Lambda quotas"; Invoke, API reference); each beyond
    is 413 RequestEntityTooLargeException.
    MiniStack 1.5.33: takes all of them (tried with 51 MB, 6.5 MB, 1.1 MB); 250 MB unzipped is
    enforced. A result of more than 6 MB is refused in `handler_answer`.
    """
    del settings
    handle = require(MEND, lambda_svc, "handle_request", "Route Lambda REST API requests")

    @wraps(handle)
    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> Any:
        refusal = refusal_of(method, path, headers, len(body))
        if refusal is not None:
            return _answer(refusal)
        return await handle(method, path, headers, body, query_params)

    lambda_svc.handle_request = handle_request


def refusal_of(method: str, path: str, headers: dict[str, str], size_bytes: int) -> str | None:
    """Return AWS's sentence for a request that is too large, or None."""
    if method == "POST" and _INVOCATIONS.fullmatch(path):
        kind = headers.get("x-amz-invocation-type", "RequestResponse")
        limit = ASYNC_PAYLOAD_BYTES if kind == "Event" else SYNC_PAYLOAD_BYTES
        if size_bytes > limit:
            return (
                f"{size_bytes} byte payload is too large for the {kind} invocation type (limit {limit} bytes)"
            )
        return None
    operation = _code_operation(method, path)
    if operation and size_bytes > CODE_REQUEST_BYTES:
        return f"Request must be smaller than {CODE_REQUEST_BYTES} bytes for the {operation} operation"
    return None


def _code_operation(method: str, path: str) -> str | None:
    if method == "POST" and _FUNCTIONS.fullmatch(path):
        return "CreateFunction"
    if method == "PUT" and _CODE.fullmatch(path):
        return "UpdateFunctionCode"
    return None


def _answer(message: str) -> tuple[int, dict[str, str], bytes]:
    code = "RequestEntityTooLargeException"
    headers = {"Content-Type": "application/json", "x-amzn-errortype": code}
    return 413, headers, json.dumps({"Type": "User", "message": message}).encode()
