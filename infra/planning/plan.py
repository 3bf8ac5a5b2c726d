"""The plan of a deployment, told first: templates → services → resources, statements, quotas, costs. Makes nothing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from infra import own_key
from infra.choices import AS_BEFORE, Choices, of_edge, of_foundation, of_observability
from infra.edge import log_bucket_domain
from infra.harden import ties
from infra.planning import costs, quotas, resources
from infra.planning.hardening import hardened, merge_template
from infra.planning.rows import Quota, Resource, Statement
from infra.planning.services import service_templates
from infra.planning.statements import key_statements, statements
from infra.prices import CostLine, price_list, total
from infra.render import values_of
from infra.services import SERVICES
from infra.stage import EDGE_REGION, Stage
from infra.templates import INFRA, Resolver, load
from infra.values import stage_values

# Shown where no account was asked; AWS uses it in its own examples.
NO_ACCOUNT = "111122223333"
FOUNDATION = "foundation.yaml"
_UNKNOWN_SHA256 = "0" * 64

Resources = Mapping[str, dict[str, Any]]


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """What a stage costs in US dollars, by the price list of `as_of`: a month at rest, a million predictions."""

    as_of: str
    region: str
    at_rest: list[CostLine]
    at_rest_usd: float
    per_million: list[CostLine]
    per_million_usd: float


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a deployment would make, allow, need and cost."""

    stage: str
    region: str
    account: str
    resources: list[Resource]
    statements: list[Statement]
    quotas: list[Quota]
    costs: Costs
    key_policy: list[Statement]

    @property
    def shortfalls(self) -> list[Quota]:
        """The quotas that the account has too little of."""
        return [quota for quota in self.quotas if quota.is_short]


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """A stage with what was chosen of it: the parameters that its templates get beside those that follow from the stage."""

    stage: Stage
    parameters: dict[str, str]

    @property
    def own_key(self) -> str:
        """ARN of the key of one's own, empty for AWS's."""
        return self.parameters[own_key.OUTPUT]


def chosen(stage: Stage, choices: Choices = AS_BEFORE, before: Mapping[str, str] | None = None) -> Chosen:
    """Return the stage with the choices; *before* are the outputs of all its stacks where an account was asked.

    Raises
    ------
    InvalidKey
    """
    outputs = before or {}
    foundation = of_foundation(stage, outputs, choices)
    logs = {"LogBucketDomain": log_bucket_domain(foundation["AccessLogs"])}
    others = {**of_edge(stage, outputs, choices), **of_observability(outputs, choices)}
    return Chosen(stage=stage, parameters={**foundation, **logs, **others})


def make_plan(of: Chosen, *, root: Path, asked: list[Quota] | None = None) -> Plan:
    """Return the plan for the checkout in *root*; *asked* are the quotas where an account was asked.

    Raises
    ------
    RenderError, ChaliceFailed
        What a deployment would fail with, too.
    """
    stage, stacks = of.stage, stack_resources(of)
    services = hardened_services(of, root)
    parts = {service: template["Resources"] for service, template in services.items()}
    return Plan(
        stage=stage.name,
        region=stage.region,
        account=stage.account,
        resources=[*resources.of_stacks(stacks), *resources.of_services(parts)],
        statements=[row for made in (*stacks.values(), *parts.values()) for row in statements(made)],
        quotas=list(quotas.NEEDED) if asked is None else asked,
        costs=_costs(of, stacks, parts),
        key_policy=list(key_statements(stage, of.own_key)),
    )


def stack_resources(of: Chosen) -> dict[str, Resources]:
    """Return the resources of every template of ours by its name, filled in."""
    return {path.stem: _resolver(of, path.name).resources() for path in sorted(INFRA.glob("*.yaml"))}


def hardened_services(of: Chosen, root: Path) -> dict[str, dict[str, Any]]:
    """Return the template of each service with what `harden` adds."""
    outputs, made = _services(of, root)
    return {service: hardened(of.stage, made[service], ties(outputs, service)) for service in SERVICES}


def write_templates(of: Chosen, root: Path, folder: Path) -> list[Path]:
    """Write for each service what `chalice package --merge-template` takes, and return the files."""
    outputs, made = _services(of, root)
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        folder / f"{service}.merge.json": merge_template(of.stage, made[service], ties(outputs, service))
        for service in SERVICES
    }
    for file, merge in files.items():
        file.write_bytes(msgspec.json.format(msgspec.json.encode(merge)) + b"\n")
    return list(files)


def _services(of: Chosen, root: Path) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
    """Return the foundation's outputs, and the template that Chalice makes of each service with them."""
    stage = of.stage
    outputs = {
        name: value for name, value in _resolver(of, FOUNDATION).outputs().items() if name != "Fingerprint"
    }
    code = f"s3://{outputs['ModelsBucket']}/code/{_UNKNOWN_SHA256}/ingest.zip"
    values = values_of(outputs, **stage_values(stage, {"tabular": _UNKNOWN_SHA256}, root, code))
    return outputs, service_templates(stage, root, values)


def _resolver(of: Chosen, name: str) -> Resolver:
    stage = of.stage
    parameters = {
        **of.parameters,
        "Stage": stage.name,
        "StageRegion": stage.region,
        "DeletionProtection": "true" if stage.is_prod else "false",
        "DistributionId": "<DistributionId>",
        "ConsoleOrigin": "https://<DomainName>",
        "SiteBucket": f"headrace-{stage.name}-{stage.account}-site",
    }
    region = EDGE_REGION if name == "edge.yaml" else stage.region
    place = {"partition": stage.partition, "region": region, "account": stage.account}
    return Resolver(load(name), parameters, place)


def _costs(of: Chosen, stacks: Mapping[str, Resources], services: Mapping[str, Resources]) -> Costs:
    prices = price_list()
    at_rest = costs.at_rest(stacks, services, with_own_key=bool(of.own_key))
    per_million = costs.per_million(with_web_acl=of.parameters["WithWaf"] == "true")
    return Costs(
        as_of=prices.as_of,
        region=prices.region,
        at_rest=at_rest,
        at_rest_usd=total(at_rest),
        per_million=per_million,
        per_million_usd=total(per_million),
    )
