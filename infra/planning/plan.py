"""The plan of a deployment, told first: templates → services → resources, statements, quotas, costs. Makes nothing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from infra.harden import dead_letters
from infra.planning import costs, quotas, resources
from infra.planning.hardening import hardened, merge_template
from infra.planning.rows import Quota, Resource, Statement
from infra.planning.services import service_templates
from infra.planning.statements import statements
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

    @property
    def shortfalls(self) -> list[Quota]:
        """The quotas that the account has too little of."""
        return [quota for quota in self.quotas if quota.is_short]


def make_plan(stage: Stage, *, root: Path, asked: list[Quota] | None = None) -> Plan:
    """Return the plan for the checkout in *root*; *asked* are the quotas where an account was asked.

    Raises
    ------
    RenderError, ChaliceFailed
        What a deployment would fail with, too.
    """
    stacks = stack_resources(stage)
    services = hardened_services(stage, root)
    parts = {service: template["Resources"] for service, template in services.items()}
    return Plan(
        stage=stage.name,
        region=stage.region,
        account=stage.account,
        resources=[*resources.of_stacks(stacks), *resources.of_services(parts)],
        statements=[row for made in (*stacks.values(), *parts.values()) for row in statements(made)],
        quotas=list(quotas.NEEDED) if asked is None else asked,
        costs=_costs(stage, stacks, parts),
    )


def stack_resources(stage: Stage) -> dict[str, Resources]:
    """Return the resources of every template of ours by its name, filled in."""
    return {path.stem: _resolver(stage, path.name).resources() for path in sorted(INFRA.glob("*.yaml"))}


def hardened_services(stage: Stage, root: Path) -> dict[str, dict[str, Any]]:
    """Return the template of each service with what `harden` adds."""
    outputs, made = _services(stage, root)
    return {service: hardened(stage, made[service], dead_letters(outputs, service)) for service in SERVICES}


def write_templates(stage: Stage, root: Path, folder: Path) -> list[Path]:
    """Write for each service what `chalice package --merge-template` takes, and return the files."""
    outputs, made = _services(stage, root)
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        folder / f"{service}.merge.json": merge_template(stage, made[service], dead_letters(outputs, service))
        for service in SERVICES
    }
    for file, merge in files.items():
        file.write_bytes(msgspec.json.format(msgspec.json.encode(merge)) + b"\n")
    return list(files)


def _services(stage: Stage, root: Path) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
    """Return the foundation's outputs, and the template that Chalice makes of each service with them."""
    outputs = {
        name: value for name, value in _resolver(stage, FOUNDATION).outputs().items() if name != "Fingerprint"
    }
    code = f"s3://{outputs['ModelsBucket']}/code/{_UNKNOWN_SHA256}/ingest.zip"
    values = values_of(outputs, **stage_values(stage, {"tabular": _UNKNOWN_SHA256}, root, code))
    return outputs, service_templates(stage, root, values)


def _resolver(stage: Stage, name: str) -> Resolver:
    protected = "true" if stage.is_prod else "false"
    parameters = {
        "Stage": stage.name,
        "StageRegion": stage.region,
        "DeletionProtection": protected,
        "WithWaf": protected,
        "DistributionId": "<DistributionId>",
        "ConsoleOrigin": "https://<DomainName>",
        "SiteBucket": f"headrace-{stage.name}-{stage.account}-site",
    }
    region = EDGE_REGION if name == "edge.yaml" else stage.region
    place = {"partition": stage.partition, "region": region, "account": stage.account}
    return Resolver(load(name), parameters, place)


def _costs(stage: Stage, stacks: Mapping[str, Resources], services: Mapping[str, Resources]) -> Costs:
    prices = price_list()
    at_rest, per_million = costs.at_rest(stacks, services), costs.per_million(stage)
    return Costs(
        as_of=prices.as_of,
        region=prices.region,
        at_rest=at_rest,
        at_rest_usd=total(at_rest),
        per_million=per_million,
        per_million_usd=total(per_million),
    )
