"""What IAM checks for SageMaker: the action and ARN of each request, and iam:PassRole.

MiniStack knows no SageMaker, so without this map its requests would pass unchecked.
"""

import json
import uuid
from typing import Any, Final

from localcloud.sagemaker.api import INVOCATION_PATH, INVOCATIONS, Answer
from localcloud.sagemaker.store import KINDS, MODEL_PACKAGE, MODEL_PACKAGE_GROUP, Row, Scope, plain_name

_SERVICE: Final = "sagemaker"
_PASSED_ROLE: Final = {
    "CreateTrainingJob": "RoleArn",
    "CreateProcessingJob": "RoleArn",
    "CreateModel": "ExecutionRoleArn",
}
_LISTS_NOTHING: Final = "*"
_DENIED_CODE: Final = "AccessDeniedException"


def action_of(path: str, headers: dict[str, str]) -> str:
    """Return the IAM action of a request to either plane."""
    if invocation := INVOCATION_PATH.fullmatch(path):
        return f"sagemaker:{INVOCATIONS[invocation[2]]}"
    return f"sagemaker:{headers.get('x-amz-target', '').rpartition('.')[2]}"


def resource_of(path: str, headers: dict[str, str], body: bytes, scope: Scope) -> str:
    """Return the ARN a policy's Resource is matched with; List operations have none of their own.

    CreateEndpoint is authorised on the endpoint (AWS also checks its configuration; not done here).
    """
    invocation = INVOCATION_PATH.fullmatch(path)
    # SageMaker's ARNs are lower case whatever the name's own spelling; policies are matched with that.
    if invocation:
        return f"arn:aws:sagemaker:{scope.region}:{scope.account}:endpoint/{invocation[1].lower()}"
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    request = _request(body)
    if isinstance(arn := request.get("ResourceArn"), str):
        return arn
    return _resource_named(operation, request, scope)


def _resource_named(operation: str, request: dict[str, Any], scope: Scope) -> str:
    """Return the ARN of the resource that an operation is called after, by its name in the request."""
    if operation == "CreateModelPackage" and isinstance(group := request.get("ModelPackageGroupName"), str):
        # Its number is not known yet; policies name the packages of a group as `group/*`.
        return scope.arn(MODEL_PACKAGE, f"{plain_name(MODEL_PACKAGE_GROUP, group)}/*")
    # The one operation that is not called after its resource alone.
    operation = operation.removesuffix("WeightsAndCapacities")
    for kind in KINDS:
        name = request.get(kind.name_member) or request.get(kind.arn_member)
        if operation.endswith(kind.name) and isinstance(name, str):
            return scope.arn(kind, plain_name(kind, name))
    return _LISTS_NOTHING


def patch_actions() -> None:
    """Teach MiniStack's IAM the actions and resources of SageMaker; everything else stays as it was."""
    from ministack.core import iam_actions

    action_before, resource_before = iam_actions.extract_iam_action, iam_actions.extract_resource_arn

    def _action(
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, query: Any
    ) -> Any:
        if service == _SERVICE:
            return action_of(path, headers)
        return action_before(service, method, path, headers, body, query)

    def _resource(
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
    iam_actions._DENIED_CODES[_SERVICE] = _DENIED_CODE
    iam_actions.extract_iam_action = _action
    iam_actions.extract_resource_arn = _resource


def denied_also(operation: str, request: Row, headers: dict[str, str], scope: Scope) -> Answer | None:
    """Return AccessDenied when the caller lacks a second permission the request needs.

    Handing over an execution role needs iam:PassRole, naming tags needs sagemaker:AddTags. Only under
    AUTH=true. Call it in the request's own context: that is where MiniStack keeps the caller.
    """
    from ministack import app

    if not app.AUTH:
        return None
    # MiniStack checks neither: without them a policy that works here would fail on AWS.
    if role := request.get(_PASSED_ROLE.get(operation, "")):
        context = {"iam:PassedToService": "sagemaker.amazonaws.com"}
        if denied := _denied("iam:PassRole", role, context, headers, scope):
            return denied
    if operation.startswith("Create") and request.get("Tags"):
        arn = resource_of("", headers, json.dumps(request).encode(), scope)
        return _denied("sagemaker:AddTags", arn, {}, headers, scope)
    return None


def _denied(
    action: str, arn: str, context: dict[str, str], headers: dict[str, str], scope: Scope
) -> Answer | None:
    from ministack.core import iam_actions, iam_evaluator
    from ministack.core.router import extract_access_key_id

    key = extract_access_key_id(headers, {})
    denied = iam_evaluator.enforce(
        key, action, _SERVICE, scope.region, resource_arn=arn, service_context=context
    )
    if denied is None:
        return None
    who = getattr(denied, "principal_arn", "")
    message = (
        f"User: {who} is not authorized to perform: {action} on resource: {arn} "
        f"because no identity-based policy allows the {action} action"
    )
    answer: Answer = iam_actions.access_denied_response(
        _SERVICE, action, who, str(uuid.uuid4()), headers=headers, message=message, error_code=_DENIED_CODE
    )
    return answer


def _request(body: bytes) -> dict[str, Any]:
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return {}
    return request if isinstance(request, dict) else {}
