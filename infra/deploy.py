"""Deploy a stage, told first: foundation → recipes → package → render → services → harden → observability → edge.

Every step looks before it acts, so a deployment can be repeated at any time, also after one that broke off,
and one that finds nothing changed takes seconds. The edge's distribution and origin go back into the
foundation (who may read the site, who may upload), hence its second, usually empty, update.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from infra import edge, job_logs, own_key, records, site
from infra.calls import send
from infra.choices import AS_BEFORE, Choices, of_edge, of_foundation, of_observability
from infra.errors import NotDeployed
from infra.harden import harden
from infra.job_code import store_job_code
from infra.observability.stack import deploy_observability
from infra.observability.stack import stack_name as observability_name
from infra.recipe_store import store_recipes
from infra.records import Record
from infra.render import render_service, values_of
from infra.services import SERVICES, deploy_services, folder_of
from infra.stacks import Stack, deploy_stack, stack_outputs
from infra.stage import Stage
from infra.tags import tags_of
from infra.values import stage_values

TEMPLATE = Path(__file__).with_name("foundation.yaml")


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A finished step: what it did in words, how long it took, whether anything changed."""

    name: str
    detail: str
    seconds: float
    changed: bool


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """A deployed stage: outputs of foundation and edge, the one origin, REST API id per service."""

    stage: Stage
    outputs: dict[str, str]
    origin_url: str
    api_ids: dict[str, str]


OnStep = Callable[[Step], None]


def foundation_name(stage: Stage) -> str:
    """Return the name of the stage's foundation stack."""
    return f"headrace-{stage.name}-foundation"


def deploy(stage: Stage, *, root: Path, on_step: OnStep, choices: Choices = AS_BEFORE) -> Deployment:
    """Deploy the checkout in *root* to *stage* and report each step when it is done.

    Raises
    ------
    InvalidChoice, InvalidKey
        Nothing was made.
    DeployError
        Says which resource, template or service failed and why. Deploying again goes on from there.
    """
    before = check(stage, choices)
    foundation = _step(on_step, "foundation", lambda: _foundation(stage, before, choices))
    outputs = foundation.outputs
    render_stage(stage, outputs, root=root, on_step=on_step)
    deployed = _step(on_step, "services", lambda: _services(stage, outputs["ModelsBucket"], root))
    _step(on_step, "harden", lambda: _harden(stage, deployed, outputs))
    _step(on_step, "observability", lambda: _observability(stage, outputs, choices))
    api_ids = {service: record.api_id for service, record in deployed.items()}
    front = _step(on_step, "edge", lambda: _edge(stage, outputs, api_ids, root, choices))
    return Deployment(
        stage=stage,
        outputs={**outputs, **front.outputs},
        origin_url=edge.origin_url(stage, front.outputs),
        api_ids=api_ids,
    )


def check(stage: Stage, choices: Choices) -> dict[str, str]:
    """Return the outputs of the stage's stacks so far, after refusing what cannot be chosen.

    Before anything is made, not minutes later by the stack that it is for.

    Raises
    ------
    InvalidChoice, InvalidKey
    """
    before = outputs_of_stacks(stage)
    of_edge(stage, before, choices)
    of_observability(before, choices)
    key = of_foundation(stage, before, choices)[own_key.OUTPUT]
    if key != before.get(own_key.OUTPUT, ""):
        own_key.check_key(stage, key)
    return before


def find_deployment(stage: Stage) -> dict[str, str] | None:
    """Return the outputs of the stage's foundation and edge, None before its first deployment."""
    outputs = stack_outputs(stage.client("cloudformation"), foundation_name(stage))
    return None if outputs is None else {**outputs, **edge.edge_outputs(stage)}


def outputs_of_stacks(stage: Stage) -> dict[str, str]:
    """Return the outputs of all stacks of the stage that there are: also what was chosen at its last deployment."""
    watching = stack_outputs(stage.client("cloudformation"), observability_name(stage)) or {}
    return {**watching, **(find_deployment(stage) or {})}


def render_stage(stage: Stage, outputs: dict[str, str], *, root: Path, on_step: OnStep) -> None:
    """Fill config and policies of the services in *root* with the stage's values: `chalice deploy` is then possible.

    The code of jobs and recipes, whose addresses are among the values, is stored first.

    Raises
    ------
    RenderError
        Names the template and what it asks for in vain.
    """
    recipes = _step(on_step, "recipes", lambda: _recipes(stage, outputs["ModelsBucket"], root))
    code_uri = _step(on_step, "package", lambda: _package(stage, outputs["ModelsBucket"], root))
    _step(on_step, "render", lambda: _render(stage, outputs, recipes, code_uri, root))


def harden_stage(stage: Stage, outputs: dict[str, str], *, on_step: OnStep) -> None:
    """Do again what a plain `chalice deploy` undid of the last deployment.

    Raises
    ------
    NotDeployed
        A service has never been deployed, or something of it is gone.
    """
    found = {service: records.load(stage, outputs["ModelsBucket"], service) for service in SERVICES}
    deployed = {service: record for service, record in found.items() if record is not None}
    if missing := found.keys() - deployed.keys():
        raise NotDeployed(
            f"{', '.join(sorted(missing))}: not deployed to stage {stage.name!r} yet; deploy it whole"
        )
    _step(on_step, "harden", lambda: _harden(stage, deployed, outputs))


def _step[T](on_step: OnStep, name: str, work: Callable[[], tuple[T, str, bool]]) -> T:
    started = time.monotonic()
    result, detail, changed = work()
    on_step(Step(name=name, detail=detail, seconds=time.monotonic() - started, changed=changed))
    return result


def _foundation(stage: Stage, before: Mapping[str, str], choices: Choices) -> tuple[Stack, str, bool]:
    stack = _deploy_foundation(stage, before, of_foundation(stage, before, choices))
    return stack, f"stack {stack.name}", stack.changed


def _deploy_foundation(stage: Stage, front: Mapping[str, str], chosen: Mapping[str, str]) -> Stack:
    parameters = {
        **chosen,
        "Stage": stage.name,
        "DeletionProtection": "true" if stage.is_prod else "false",
        "DistributionId": front.get("DistributionId", ""),
        "ConsoleOrigin": edge.origin_url(stage, front),
    }
    client = stage.client("cloudformation")
    return deploy_stack(client, foundation_name(stage), TEMPLATE, parameters, tags=tags_of(stage))


def _recipes(stage: Stage, bucket: str, root: Path) -> tuple[dict[str, str], str, bool]:
    stored = store_recipes(stage, bucket, cache=root / ".headrace" / "recipes")
    detail = ", ".join(f"{family} {sha256[:12]}" for family, sha256 in stored.sha256.items())
    return stored.sha256, detail or "none", bool(stored.uploaded)


def _package(stage: Stage, bucket: str, root: Path) -> tuple[str, str, bool]:
    stored = store_job_code(stage, bucket, root=root)
    return stored.uri, f"ingest {stored.sha256[:12]}", stored.uploaded


def _render(
    stage: Stage, outputs: dict[str, str], recipes: dict[str, str], code_uri: str, root: Path
) -> tuple[None, str, bool]:
    values = values_of(outputs, **stage_values(stage, recipes, root, code_uri))
    written = [path for service in SERVICES for path in render_service(folder_of(root, service), values)]
    return None, f"files written: {len(written)}, code {values['CodeVersion']}", bool(written)


def _services(stage: Stage, bucket: str, root: Path) -> tuple[dict[str, Record], str, bool]:
    deployed = deploy_services(stage, root=root, bucket=bucket)
    changed = [one.service for one in deployed if one.changed]
    detail = f"deployed {', '.join(changed)}" if changed else f"{', '.join(SERVICES)} unchanged"
    return {one.service: one.record for one in deployed}, detail, bool(changed)


def _harden(stage: Stage, deployed: dict[str, Record], outputs: dict[str, str]) -> tuple[None, str, bool]:
    key = outputs.get(own_key.OUTPUT, "")
    done = harden(stage, deployed, outputs) + send(stage, job_logs.make_groups(stage, key))
    # Models that were released meanwhile have brought endpoints, which is no change of the deployment.
    send(stage, job_logs.expire_endpoints(stage, key))
    return None, f"settings made: {len(done)}" if done else "all in place", bool(done)


def _observability(stage: Stage, outputs: dict[str, str], choices: Choices) -> tuple[Stack, str, bool]:
    stack = deploy_observability(stage, outputs, choices)
    return stack, f"stack {stack.name}", stack.changed


def _edge(
    stage: Stage, outputs: dict[str, str], api_ids: dict[str, str], root: Path, choices: Choices
) -> tuple[Stack, str, bool]:
    front = edge.deploy_edge(stage, outputs, api_ids, choices)
    foundation = _deploy_foundation(stage, front.outputs, of_foundation(stage, outputs, AS_BEFORE))
    published = site.publish_site(stage, outputs["SiteBucket"], root)
    detail = f"{edge.origin_url(stage, front.outputs)}, site files changed: {len(published)}"
    return front, detail, front.changed or foundation.changed or bool(published)
