"""What deploying, hardening and rotating ask of AWS fits the services' own models, and the local cloud takes it."""

import json
import urllib.request

from infra import harden, job_logs, subscription, tags
from infra.rotation import rotate_origin_secret
from tests.aws_calls import Noted, as_method, operations_in
from tests.integration.infra.conftest import Deployed
from tests.integration.infra.mini import PATHS

# Only the real inference service has a log to subscribe to: tests/unit/infra/test_subscription.py has these calls.
SUBSCRIBING = {"add_permission", "put_subscription_filter"}
# Only a stage under a key of one's own: test_own_key.py has these.
UNDER_A_KEY = {"associate_kms_key", "update_function_configuration"}


def test_every_call_of_a_deployment_and_a_rotation_fits_the_services_own_model(
    deployed: Deployed, noted: list[Noted]
) -> None:
    rotate_origin_secret(deployed.stage, on_step=lambda _: None)
    deployed.again()
    assert {one.service for one in noted} >= {"cloudformation", "lambda", "apigateway", "events", "iam", "s3"}
    assert [(one.operation, one.wrong) for one in noted if one.wrong] == []


def test_every_call_that_hardening_can_make_was_made(deployed: Deployed, noted: list[Noted]) -> None:
    written = operations_in([harden, job_logs, subscription, tags])
    assert written - SUBSCRIBING - UNDER_A_KEY <= {as_method(one.operation) for one in noted}
    assert deployed.again()["harden"].detail == "all in place"


def test_functions_start_afresh_before_a_new_secret_is_sent_and_after_the_old_one_went(
    deployed: Deployed,
) -> None:
    def starts() -> list[str]:
        pages = (f"{deployed.deployment.origin_url}{path}" for path in PATHS.values())
        return [json.load(urllib.request.urlopen(page))["started"] for page in pages]

    seen = [starts()]
    rotate_origin_secret(deployed.stage, on_step=lambda _: seen.append(starts()))
    before, accepting, changed_over, after = seen
    assert set(before).isdisjoint(accepting)
    assert accepting == changed_over
    assert set(changed_over).isdisjoint(after)


def test_a_rotation_that_broke_off_goes_on_where_it_was(deployed: Deployed) -> None:
    secrets = deployed.stage.client("secretsmanager")

    def values() -> dict[str, str]:
        found: dict[str, str] = json.loads(
            secrets.get_secret_value(SecretId="headrace-local-origin")["SecretString"]
        )
        return found

    def breaks(_: object) -> None:
        raise ConnectionError("the line broke")

    before = values()["current"]
    try:
        rotate_origin_secret(deployed.stage, on_step=breaks)
    except ConnectionError:
        half = values()
    assert half["previous"] == before != half["current"]
    rotate_origin_secret(deployed.stage, on_step=lambda _: None)
    assert values() == {"current": half["current"], "previous": ""}
