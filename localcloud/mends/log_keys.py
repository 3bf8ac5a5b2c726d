"""CloudWatch Logs: a group can be told later which key encrypts it."""

import json
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import cloudwatch_logs

from localcloud.mends.patch_points import require, wraps
from localcloud.settings import Settings

MEND = "log_keys"
_ACTION = "AssociateKmsKey"


def mend(settings: Settings) -> None:
    """Answer AssociateKmsKey of a log group.

    AWS: the group's lines are encrypted with the key from then on, and DescribeLogGroups names it (API reference).
    MiniStack 1.5.33: keeps the `kmsKeyId` that CreateLogGroup gives, and knows no such action (tried). Nothing is encrypted there.
    """
    del settings
    handle = require(MEND, cloudwatch_logs, "handle_request", 'target = headers.get("x-amz-target", "")')
    require(MEND, cloudwatch_logs, "_create_log_group", '"kmsKeyId": data.get("kmsKeyId") or None')

    @wraps(handle)
    async def handle_request(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Any:
        if headers.get("x-amz-target", "").endswith(f".{_ACTION}"):
            return _set_key(json.loads(body))
        return await handle(method, path, headers, body, query)

    cloudwatch_logs.handle_request = handle_request


def _set_key(request: dict[str, Any]) -> Any:
    name = str(request.get("logGroupName"))
    group = cloudwatch_logs._log_groups.get(name)
    if group is None:
        return error_response_json(
            "ResourceNotFoundException", f"The specified log group does not exist: {name}", 400
        )
    group["kmsKeyId"] = request["kmsKeyId"]
    return json_response({})
