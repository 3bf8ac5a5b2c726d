"""API Gateway: import of whole REST APIs, which is how Chalice deploys."""

import json
import re
from typing import Any

from ministack.services import apigateway_v1 as v1

from localcloud.mends.patch_points import require, wraps
from localcloud.settings import Settings

MEND = "rest_import"
_REST_APIS = re.compile(r"/restapis(?:/([^/]+))?")
_INTEGRATION_KEYS = (
    "httpMethod",
    "uri",
    "credentials",
    "requestParameters",
    "requestTemplates",
    "timeoutInMillis",
    "cacheKeyParameters",
    "contentHandling",
    "connectionType",
)

Answer = tuple[int, dict[str, str], bytes]


def mend(settings: Settings) -> None:
    """Serve ImportRestApi and PutRestApi, and keep all of an imported operation.

    AWS: `POST /restapis?mode=import` and `PUT /restapis/{id}?mode=overwrite` take an OpenAPI
    document (API Gateway developer guide, "Configuring a REST API using OpenAPI"); a patch of
    `/minimumCompressionSize` with an empty value switches compression off.
    MiniStack 1.5.33: both requests create an API named "unnamed" or answer 400; its importer
    (used for CloudFormation) drops request templates and integration responses, so the CORS
    preflight Chalice declares answers `{}` without headers; the empty size stays a string.
    Known from `chalice deploy` 1.34.0 against it.
    """
    del settings
    require(MEND, v1, "_import_rest_api", "_import_security_schemes", "_import_path_item")
    require(
        MEND, v1, "_import_path_item", "_import_operation(api_id, resource_id, method.upper(), operation,"
    )
    require(
        MEND,
        v1,
        "_import_operation",
        '_put_integration(api_id, resource_id, http_method, {\n            "type"',
    )
    for name in ("_put_method", "_put_integration", "_put_method_response", "_put_integration_response"):
        require(MEND, v1, name, 'data.get("')
    handle = require(MEND, v1, "handle_request", "Route API Gateway v1 REST API control plane requests")

    @wraps(handle)
    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, list[str]]
    ) -> Answer:
        match = _REST_APIS.fullmatch(path)
        if match is None:
            other: Answer = await handle(method, path, headers, body, query_params)
            return other
        if "mode" in query_params and method in ("POST", "PUT"):
            return _import(match[1], body, query_params)
        sent = _number_compression_size(body) if method == "PATCH" else body
        status, answer_headers, answer = await handle(method, path, headers, sent, query_params)
        return status, answer_headers, _without_empty_compression(answer)

    v1.handle_request = handle_request
    v1._import_operation = _import_operation


def _import(api_id: str | None, body: bytes, query: dict[str, list[str]]) -> Answer:
    """Answer ImportRestApi (no id yet) or PutRestApi."""
    try:
        document = json.loads(body)
    except ValueError:
        return _refuse("BadRequestException", "Invalid OpenAPI input: not a JSON document", 400)
    if "title" not in (document.get("info") or {}):
        return _refuse("BadRequestException", "Invalid OpenAPI input: info.title is missing", 400)
    if api_id is None:
        created = v1._import_rest_api(document, _base_settings(document, query))
        return _view(created, 201)
    if api_id not in v1._rest_apis:
        return _refuse("NotFoundException", "Invalid API identifier specified", 404)
    _overwrite(api_id, document)
    return _view(api_id, 200)


def _base_settings(document: dict[str, Any], query: dict[str, list[str]]) -> dict[str, Any]:
    """Return what an import takes from outside `paths`."""
    types = query.get("endpointConfigurationTypes", ["EDGE"])
    return {
        "endpointConfiguration": {"types": types if isinstance(types, list) else [types]},
        "binaryMediaTypes": document.get("x-amazon-apigateway-binary-media-types", []),
        "policy": _policy(document),
    }


def _policy(document: dict[str, Any]) -> str | None:
    policy = document.get("x-amazon-apigateway-policy")
    return None if policy is None else json.dumps(policy)


def _overwrite(api_id: str, document: dict[str, Any]) -> None:
    """Replace resources, methods and authorizers; stages and deployments stay, as in AWS."""
    resources = v1._resources[api_id]
    for resource_id in [key for key, resource in resources.items() if resource["path"] != "/"]:
        del resources[resource_id]
    for root in resources.values():
        root["resourceMethods"] = {}
    v1._authorizers_v1[api_id] = {}
    api = v1._rest_apis[api_id]
    api["name"] = document["info"]["title"]
    api["binaryMediaTypes"] = document.get("x-amazon-apigateway-binary-media-types", [])
    api["policy"] = _policy(document)
    schemes = v1._import_security_schemes(api_id, document)
    for path, item in (document.get("paths") or {}).items():
        v1._import_path_item(api_id, path, item, schemes, document.get("security"))


def _import_operation(
    api_id: str,
    resource_id: str,
    http_method: str,
    operation: dict[str, Any] | None,
    schemes: dict[str, Any] | None = None,
    default_security: list[Any] | None = None,
) -> None:
    """Create one method with its whole integration. Signature as MiniStack's own."""
    operation = operation or {}
    security = operation.get("security", default_security)
    v1._put_method(api_id, resource_id, http_method, v1._method_security(security, schemes or {}))
    integration = operation.get("x-amazon-apigateway-integration")
    if not integration:
        return
    method = (api_id, resource_id, http_method)
    v1._put_integration(*method, _integration(integration))
    for status, response in _responses(operation):
        # `default` is OpenAPI's; a method response has a number.
        if status.isdigit():
            v1._put_method_response(*method, status, {"responseParameters": _header_names(response)})
    for pattern, response in _responses(integration):
        v1._put_integration_response(*method, str(response["statusCode"]), _mapping(pattern, response))


def _responses(part: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return list((part.get("responses") or {}).items())


def _header_names(response: dict[str, Any]) -> dict[str, bool]:
    """Return the headers a method response may carry; false says not required."""
    return {f"method.response.header.{name}": False for name in response.get("headers") or {}}


def _mapping(pattern: str, response: dict[str, Any]) -> dict[str, Any]:
    """Translate one integration response; OpenAPI's `default` is the empty pattern."""
    return {
        "selectionPattern": "" if pattern == "default" else pattern,
        "responseParameters": response.get("responseParameters") or {},
        "responseTemplates": response.get("responseTemplates") or {},
    }


def _integration(integration: dict[str, Any]) -> dict[str, Any]:
    """Translate OpenAPI's spelling of an integration into PutIntegration's."""
    request = {key: integration[key] for key in _INTEGRATION_KEYS if key in integration}
    request["type"] = (integration.get("type") or "").upper() or None
    request["passthroughBehavior"] = (integration.get("passthroughBehavior") or "when_no_match").upper()
    return request


def _number_compression_size(body: bytes) -> bytes:
    """Turn the patch values of `/minimumCompressionSize` into what is stored: a number or nothing."""
    try:
        patch = json.loads(body)
    except ValueError:
        return body
    for step in patch.get("patchOperations", []):
        if step.get("path") == "/minimumCompressionSize":
            value = step.get("value")
            step["value"] = int(value) if value not in ("", None) else None
    return json.dumps(patch).encode()


def _without_empty_compression(answer: bytes) -> bytes:
    """Leave out a null compression size: botocore would hand it to Chalice as a value."""
    if b'"minimumCompressionSize"' not in answer:
        return answer
    view = json.loads(answer)
    for api in [view, *view.get("item", [])]:
        if api.get("minimumCompressionSize") is None:
            api.pop("minimumCompressionSize", None)
    return json.dumps(view).encode()


def _view(api_id: str, status: int) -> Answer:
    answer: tuple[int, dict[str, str], bytes] = v1._v1_response(
        v1._rest_api_view(v1._rest_apis[api_id]), status
    )
    return answer[0], answer[1], _without_empty_compression(answer[2])


def _refuse(code: str, message: str, status: int) -> Answer:
    answer: Answer = v1._v1_error(code, message, status)
    return answer
