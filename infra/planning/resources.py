"""Every resource that a deployment makes: those of our templates, of Chalice, and of `harden`."""

from collections.abc import Iterator, Mapping
from typing import Any

from infra.planning.rows import Resource
from infra.templates import NAME_PROPERTIES

Resources = Mapping[str, dict[str, Any]]
# What the transform of a service's template makes of its types.
_PLAIN = {
    "AWS::Serverless::Function": "AWS::Lambda::Function",
    "AWS::Serverless::Api": "AWS::ApiGateway::RestApi",
}
_HARDENED = {"AWS::Logs::LogGroup", "AWS::Logs::SubscriptionFilter"}


def of_stacks(stacks: Mapping[str, Resources]) -> Iterator[Resource]:
    """Yield the resources of our own templates, filled in."""
    for part, resources in stacks.items():
        for logical, resource in resources.items():
            name = _named(resource["Properties"]) or logical
            yield Resource(made_by="cloudformation", part=part, type=resource["Type"], name=name)


def of_services(services: Mapping[str, Resources]) -> Iterator[Resource]:
    """Yield what the hardened templates of the services make, and what comes with it."""
    for service, resources in services.items():
        yield from _of_service(service, resources)


def _of_service(service: str, resources: Resources) -> Iterator[Resource]:
    for logical, resource in resources.items():
        kind, made = str(resource["Type"]), resource["Properties"]
        name = _named(made) or logical
        by = "harden" if kind in _HARDENED or _is_of_log(made) else "chalice"
        if kind == "AWS::Serverless::Api":
            yield from _of_api(service, name, made)
        if kind == "AWS::Serverless::Function":
            yield from _of_function(service, name, made)
        yield Resource(made_by=by, part=service, type=_PLAIN.get(kind, kind), name=name)


def _of_api(service: str, name: str, api: dict[str, Any]) -> Iterator[Resource]:
    for path, methods in api["DefinitionBody"]["paths"].items():
        for method in methods:
            if method != "options":
                route = f"{method.upper()} {path}"
                yield Resource(made_by="chalice", part=service, type="AWS::ApiGateway::Method", name=route)
    for kind in api["GatewayResponses"]:
        told = f"{name} {kind}"
        yield Resource(made_by="harden", part=service, type="AWS::ApiGateway::GatewayResponse", name=told)


def _of_function(service: str, name: str, function: dict[str, Any]) -> Iterator[Resource]:
    for event in function.get("Events", {}).values():
        when = event["Properties"].get("Schedule") or "events"
        told = f"{name}-event ({when})"
        yield Resource(made_by="chalice", part=service, type="AWS::Events::Rule", name=told)
    if "EventInvokeConfig" in function:
        yield Resource(made_by="harden", part=service, type="AWS::Lambda::EventInvokeConfig", name=name)


def _is_of_log(made: dict[str, Any]) -> bool:
    return bool(made.get("Principal") == "logs.amazonaws.com")


def _named(made: dict[str, Any]) -> str:
    return next((str(made[key]) for key in NAME_PROPERTIES if isinstance(made.get(key), str)), "")
