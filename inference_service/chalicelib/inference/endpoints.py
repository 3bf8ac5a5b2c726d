"""Adapter: SageMaker's control plane (models, endpoint configurations, endpoints)."""

from collections.abc import Callable
from typing import Any

from chalicelib.inference.plan import CONTENT_TAG, EndpointPlan
from chalicelib.inference.ports import EndpointState
from chalicelib.inference.sagemaker_words import EXISTS, absent_is_fine, only, refusals

from shared.aws import aws_errors


class SageMakerEndpoints:
    """Creates, describes and deletes what serves a model version; all three resources share one name."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def describe(self, name: str) -> EndpointState | None:
        """Return the endpoint's state, None where there is no such endpoint."""
        with aws_errors(f"describe endpoint {name}"), absent_is_fine() as found:
            answer = self._client.describe_endpoint(EndpointName=name)
            tags = self._client.list_tags(ResourceArn=answer["EndpointArn"])["Tags"]
            found.append((answer, tags))
        if not found:
            return None
        ((answer, tags),) = found
        variants = answer.get("ProductionVariants", [])
        return EndpointState(
            status=answer["EndpointStatus"],
            reason=answer.get("FailureReason", ""),
            content={tag["Key"]: tag["Value"] for tag in tags}.get(CONTENT_TAG, ""),
            is_serverless=any("CurrentServerlessConfig" in variant for variant in variants),
        )

    def create(self, plan: EndpointPlan) -> None:
        """Create model, configuration and endpoint, replacing leftovers of the first two.

        Raises
        ------
        QuotaExceeded
            The account's limit of endpoints is reached.
        Unavailable
            SageMaker does not see yet what the calls before made or deleted.
        Refused
            SageMaker finds the request invalid.
        """
        client = self._client
        with aws_errors(f"create endpoint {plan.name}"), refusals(plan.name):
            # Without an endpoint they serve nothing, so what an earlier attempt left may be replaced.
            _replace(client.create_model, plan.model, client.delete_model, {"ModelName": plan.name})
            _replace(
                client.create_endpoint_config,
                plan.config,
                client.delete_endpoint_config,
                {"EndpointConfigName": plan.name},
            )
            # One that exists is a worker's who crashed before it wrote the row: Describe judges it next.
            with only(EXISTS):
                client.create_endpoint(**plan.endpoint)

    def delete(self, name: str) -> None:
        """Delete endpoint, configuration and model, whichever are there; one being created is left alone."""
        client = self._client
        state = self.describe(name)
        if state and state.status not in {"InService", "Failed", "OutOfService"}:
            return
        with aws_errors(f"delete endpoint {name}"):
            for call, member in (
                (client.delete_endpoint, "EndpointName"),
                (client.delete_endpoint_config, "EndpointConfigName"),
                (client.delete_model, "ModelName"),
            ):
                with absent_is_fine():
                    call(**{member: name})

    def names(self, prefix: str) -> set[str]:
        """Return the names of all endpoints, configurations and models that begin with *prefix*."""
        lists = (
            ("list_endpoints", "Endpoints", "EndpointName"),
            ("list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"),
            ("list_models", "Models", "ModelName"),
        )
        found: set[str] = set()
        with aws_errors(f"list endpoints {prefix}"):
            for operation, member, name in lists:
                # NameContains also finds the prefix inside a name.
                for page in self._client.get_paginator(operation).paginate(NameContains=prefix):
                    found |= {row[name] for row in page[member] if row[name].startswith(prefix)}
        return found


def _replace(
    create: Callable[..., Any], request: dict[str, Any], delete: Callable[..., Any], key: dict[str, str]
) -> None:
    """Create a resource anew if its name is taken."""
    with only(EXISTS) as taken:
        create(**request)
    if taken:
        with absent_is_fine():
            delete(**key)
        create(**request)
