"""What a deployment would make, for people and programs: `headrace deploy --plan`."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from headrace.failures import Failure
from headrace.operate.project import Project
from headrace.session import LOCAL, Session

if TYPE_CHECKING:
    from infra.choices import Choices
    from infra.planning.plan import Plan
    from infra.planning.rows import Quota, Statement
    from infra.prices import CostLine
    from infra.stage import Stage


def show_plan(session: Session, project: Project, choices: "Choices", templates: Path | None = None) -> None:
    """Print the plan of the stage with what is chosen; into *templates* go what `chalice package --merge-template` takes.

    Raises
    ------
    Failure
        The account has too little of something; all shortfalls are named.
    """
    from infra.deploy import check
    from infra.planning import quotas
    from infra.planning.plan import chosen, make_plan, write_templates

    stage, has_account = _place(session)
    session.progress.doing("reading templates and services")
    of = chosen(stage, choices, check(stage, choices) if has_account else None)
    plan = make_plan(of, root=project.root, asked=quotas.ask(stage) if has_account else None)
    if templates is not None:
        written = write_templates(of, project.root, templates)
        session.progress.done("templates", ", ".join(str(file) for file in written))
    session.progress.close()
    if session.output == "table":
        click.echo("\n".join(_told(plan, has_account)))
    else:
        session.show(msgspec.to_builtins(plan))
    if plan.shortfalls:
        raise Failure(f"too little in this account: {'; '.join(map(shortfall, plan.shortfalls))}")


def shortfall(quota: "Quota") -> str:
    """Return in one sentence what is short, what follows, and what to do."""
    return (
        f"{quota.name} is {quota.found:g}, needed {quota.needed:g}: {quota.short_means}; ask for more: aws service-quotas "
        f"request-service-quota-increase --service-code {quota.service} --quota-code {quota.code} "
        f"--desired-value {quota.needed:g}"
    )


def _place(session: Session) -> tuple["Stage", bool]:
    """Return the stage, and whether it is in an account that we reach; without one the plan is as good."""
    from botocore.exceptions import BotoCoreError, ClientError

    from infra.errors import DeployError
    from infra.planning.plan import NO_ACCOUNT
    from infra.stage import LOCAL_ACCOUNT, LOCAL_REGION, Stage

    region = session.environ.get("AWS_REGION") or session.environ.get("AWS_DEFAULT_REGION")
    account = LOCAL_ACCOUNT if session.stage == LOCAL else NO_ACCOUNT
    nowhere = Stage(name=session.stage, region=region or LOCAL_REGION, account=account)
    if session.stage == LOCAL or session.environ.get("AWS_ENDPOINT_URL"):
        return nowhere, False
    try:
        return Stage.of(session.stage), True
    except (DeployError, BotoCoreError, ClientError) as error:
        session.progress.note(f"no account reached ({error}): quotas are named, not read")
        return nowhere, False


def _told(plan: "Plan", has_account: bool) -> Iterator[str]:
    where = f"account {plan.account}" if has_account else "no account asked"
    yield f"Stage {plan.stage}, {plan.region}, {where}. Nothing was changed; `-o json` has every field."
    yield f"\nResources ({len(plan.resources)})"
    yield from _resources(plan)
    yield f"\nIAM statements ({len(plan.statements)})"
    yield from map(_statement, plan.statements)
    if plan.key_policy:
        yield "\nWhat the policy of the key of one's own must have (docs/operations/own-key.md); no deployment writes it"
        yield from map(_statement, plan.key_policy)
    yield "\nQuotas"
    yield from map(_quota, plan.quotas)
    costs = plan.costs
    yield f"\nCosts (list prices of {costs.as_of}, {costs.region}, without free tiers)"
    yield from _lines("a month at rest, and storage by the GB", costs.at_rest, costs.at_rest_usd)
    yield from _lines(
        "a million predictions, serverless, one record each", costs.per_million, costs.per_million_usd
    )


def _resources(plan: "Plan") -> Iterator[str]:
    # Routes and gateway responses by the dozen say more as a number; -o json names each.
    many = {"AWS::ApiGateway::Method", "AWS::ApiGateway::GatewayResponse"}
    for one in plan.resources:
        if one.type not in many:
            yield f"  {one.part:<10}  {one.made_by:<14}  {one.type:<36}  {one.name}"
    counted = Counter((one.part, one.made_by, one.type) for one in plan.resources if one.type in many)
    for (part, made_by, kind), count in counted.items():
        yield f"  {part:<10}  {made_by:<14}  {kind:<36}  {count} of them"


def _statement(one: "Statement") -> str:
    whom = f" to {one.principal}" if one.principal else ""
    where = f" on {', '.join(one.resources)}" if one.resources else ""
    condition = f" if {one.condition}" if one.condition else ""
    return f"  {one.on}: {one.effect}{whom} {', '.join(one.actions)}{where}{condition}"


def _quota(one: "Quota") -> str:
    found = "not read" if one.found is None else f"{one.found:g}"
    mark = "SHORT" if one.is_short else "ok" if one.found is not None else "?"
    return f"  {mark:<5}  needed {one.needed:g}, found {found}: {one.service} {one.code} {one.name} ({one.short_means})"


def _lines(title: str, lines: Iterable["CostLine"], total_usd: float) -> Iterator[str]:
    for line in lines:
        yield f"  {line.usd:9.3f}  {line.what}: {_quantity(line.quantity)} of {line.price}"
    yield f"  {total_usd:9.3f}  USD, {title}"


def _quantity(number: float) -> str:
    return f"{number:,.0f}" if number >= 1000 else f"{number:g}"
