"""What IAM checks for SageMaker: the action and ARN of each request, and iam:PassRole.

MiniStack knows no SageMaker, so without this map its requests would pass unchecked.
"""

import json
import uuid
from typing import Any, Final

from localcloud.sagemaker.api import INVOCATION_PATH, Answer
from localcloud.sagemaker.store import KINDS, Row, Scope

_SERVICE: Final = "sagemaker"
_PASSED_ROLE: Final = {"CreateTrainingJob": "RoleArn", "CreateModel": "ExecutionRoleArn"}
_LISTS_NOTHING: Final = "*"


def action_of(path: str, headers: dict[str, str]) -> str:
    """Return the IAM action of a request to either plane."""
    if INVOCATION_PATH.fullmatch(path):
        return "sagemaker:InvokeEndpoint"
    return f"sagemaker:{headers.get('x-amz-target', '').rpartition('.')[2]}"


def resource_of(path: str, headers: dict[str, str], body: bytes, scope: Scope) -> str:
    """Return the ARN a policy's Resource is matched with; List operations have none of their own.

    CreateEndpoint is authorised on the endpoint (AWS also checks its configuration; not done here).
    """
    invocation = INVOCATION_PATH.fullmatch(path)
    if invocation:
        return f"arn:aws:sagemaker:{scope.region}:{scope.account}:endpoint/{invocation[1].lower()}"
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    request = _request(body)
    if isinstance(arn := request.get("ResourceArn"), str):
        return arn
    for kind in KINDS:
        name = request.get(kind.name_member)
        if operation.endswith(kind.name) and isinstance(name, str):
            return scope.arn(kind, name)
    return _LISTS_NOTHING


def patch_actions() -> None:
    """Teach MiniStack's IAM the actions and resources of SageMaker; everything else stays as it was."""
    from ministack.core import iam_actions

    action_before, resource_before = iam_actions.extract_iam_action, iam_actions.extract_resource_arn

    def extract_iam_action(
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, query: Any
    ) -> Any:
        if service == _SERVICE:
            return action_of(path, headers)
        return action_before(service, method, path, headers, body, query)

    def extract_resource_arn(
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query: Any,
        region: str,
        account_id: str,
    ) -> Any:
        if service == _SERVICE:
            return resource_of(path, headers, body, Scope(account=account_id, region=region))
        return resource_before(service, method, path, headers, body, query, region, account_id)

    iam_actions.SERVICE_TO_IAM_NAMESPACE[_SERVICE] = _SERVICE
    iam_actions.extract_iam_action = extract_iam_action
    iam_actions.extract_resource_arn = extract_resource_arn


def denied_pass_role(operation: str, request: Row, headers: dict[str, str]) -> Answer | None:
    """Return AccessDenied when the caller may not hand the execution role to SageMaker.

    Only under AUTH=true. Call it in the request's own context: that is where MiniStack keeps the caller.
    """
    from ministack import app
    from ministack.core import iam_actions, iam_evaluator
    from ministack.core.responses import get_region
    from ministack.core.router import extract_access_key_id

    role = request.get(_PASSED_ROLE.get(operation, ""))
    if not app.AUTH or not role:
        return None
    denied = iam_evaluator.enforce(
        extract_access_key_id(headers, {}),
        "iam:PassRole",
        _SERVICE,
        get_region(),
        resource_arn=role,
        service_context={"iam:PassedToService": ["sagemaker.amazonaws.com"]},
    )
    if denied is None:
        return None
    who = getattr(denied, "principal_arn", "")
    message = (
        f"User: {who} is not authorized to perform: iam:PassRole on resource: {role} because no identity-based "
        "policy allows the iam:PassRole action"
    )
    answer: Answer = iam_actions.access_denied_response(
        _SERVICE,
        "iam:PassRole",
        who,
        str(uuid.uuid4()),
        headers=headers,
        message=message,
        error_code="AccessDeniedException",
    )
    return answer


def _request(body: bytes) -> dict[str, Any]:
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return {}
    return request if isinstance(request, dict) else {}
