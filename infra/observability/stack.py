"""Deploy what watches a stage."""

from collections.abc import Mapping
from pathlib import Path

from infra.stacks import Stack, deploy_stack, stack_outputs
from infra.stage import Stage
from infra.tags import tags_of

TEMPLATE = Path(__file__).resolve().parents[1] / "observability.yaml"


def stack_name(stage: Stage) -> str:
    """Return the name of the stage's observability stack."""
    return f"headrace-{stage.name}-observability"


def deploy_observability(stage: Stage, outputs: Mapping[str, str], alert_email: str | None) -> Stack:
    """Bring alarms, dashboard and messages to the template.

    Parameters
    ----------
    alert_email
        Who gets the messages by mail; empty is nobody, None whoever got them so far.
    """
    client = stage.client("cloudformation")
    if alert_email is None:
        alert_email = (stack_outputs(client, stack_name(stage)) or {}).get("AlertEmail", "")
    parameters = {
        "Stage": stage.name,
        "AlertsTopicArn": outputs["AlertsTopicArn"],
        "AlertEmail": alert_email,
    }
    return deploy_stack(client, stack_name(stage), TEMPLATE, parameters, tags=tags_of(stage))
