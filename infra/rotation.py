"""A new origin secret, told first: services accept both → CloudFront sends the new one → the old one opens nothing.

The secret itself says how far it came (`current` is what CloudFront sends, `next` what it will, `previous` what it
may still), so a rotation that broke off goes on where it was.
"""

import json
import secrets
import time
from collections.abc import Callable

from infra import edge, records
from infra.deploy import Step, find_deployment
from infra.errors import NotDeployed
from infra.services import SERVICES
from infra.stage import Stage

_BYTES = 48
_MARK = "ORIGIN_SECRET_ROTATED_AT"
OnStep = Callable[[Step], None]
Values = dict[str, str]


def rotate_origin_secret(stage: Stage, *, on_step: OnStep) -> None:
    """Replace the stage's origin secret.

    Raises
    ------
    NotDeployed
        There is no such stage, or one of its services was never deployed.
    """
    outputs = find_deployment(stage)
    if outputs is None:
        raise NotDeployed(f"stage {stage.name!r} is not deployed: there is no secret to rotate")
    arn = outputs["OriginSecretArn"]
    apis = {service: _api_of(stage, outputs["ModelsBucket"], service) for service in SERVICES}
    values = _read(stage, arn)
    if not values.get("previous"):
        values = _step(
            on_step, "accept", "both values open the services", lambda: _announce(stage, arn, values)
        )
    _step(on_step, "edge", "CloudFront sends the new value", lambda: edge.deploy_edge(stage, outputs, apis))
    _step(on_step, "forget", "the old value opens nothing", lambda: _forget(stage, arn, values))


def _announce(stage: Stage, arn: str, values: Values) -> Values:
    """Have every running function know the next value before anything sends it, then make it the current one."""
    coming = values.get("next") or secrets.token_urlsafe(_BYTES)
    _write(stage, arn, {"current": values["current"], "previous": "", "next": coming})
    _restart(stage)
    announced = {"current": coming, "previous": values["current"]}
    _write(stage, arn, announced)
    return announced


def _forget(stage: Stage, arn: str, values: Values) -> None:
    _write(stage, arn, {"current": values["current"], "previous": ""})
    _restart(stage)


def _restart(stage: Stage) -> None:
    """Make the API functions read the secret anew: they keep it for minutes, one with another environment starts afresh."""
    lambdas = stage.client("lambda")
    for service in SERVICES:
        name = f"headrace-{service}-{stage.name}"
        variables = lambdas.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        # Nobody reads it, and the next deployment of the service takes it away again.
        variables[_MARK] = f"{time.time():.3f}"
        lambdas.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
    for service in SERVICES:
        lambdas.get_waiter("function_updated_v2").wait(FunctionName=f"headrace-{service}-{stage.name}")


def _read(stage: Stage, arn: str) -> Values:
    values: Values = json.loads(stage.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
    return values


def _write(stage: Stage, arn: str, values: Values) -> None:
    stage.client("secretsmanager").put_secret_value(SecretId=arn, SecretString=json.dumps(values))


def _api_of(stage: Stage, bucket: str, service: str) -> str:
    record = records.load(stage, bucket, service)
    if record is None:
        raise NotDeployed(f"service {service} was never deployed to stage {stage.name!r}: deploy it first")
    return record.api_id


def _step[T](on_step: OnStep, name: str, detail: str, work: Callable[[], T]) -> T:
    began = time.monotonic()
    result = work()
    on_step(Step(name=name, detail=detail, seconds=time.monotonic() - began, changed=True))
    return result
