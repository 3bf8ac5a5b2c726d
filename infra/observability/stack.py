"""Deploy what watches a stage."""

from collections.abc import Mapping
from pathlib import Path

from infra.choices import AS_BEFORE, Choices, of_observability
from infra.stacks import Stack, deploy_stack, stack_outputs
from infra.stage import Stage
from infra.tags import tags_of

TEMPLATE = Path(__file__).resolve().parents[1] / "observability.yaml"


def stack_name(stage: Stage) -> str:
    """Return the name of the stage's observability stack."""
    return f"headrace-{stage.name}-observability"


def deploy_observability(stage: Stage, outputs: Mapping[str, str], choices: Choices = AS_BEFORE) -> Stack:
    """Bring alarms, dashboard and messages to the template, and the messages to who is chosen."""
    client = stage.client("cloudformation")
    before = stack_outputs(client, stack_name(stage)) or {}
    parameters = {
        "Stage": stage.name,
        "AlertsTopicArn": outputs["AlertsTopicArn"],
        **of_observability(before, choices),
    }
    return deploy_stack(client, stack_name(stage), TEMPLATE, parameters, tags=tags_of(stage))
