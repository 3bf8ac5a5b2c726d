"""What a stage has cost, counted on a deployed one."""

from datetime import UTC, datetime

from infra.usage import usage, window_of
from tests.integration.infra.conftest import Deployed, get
from tests.integration.infra.mini import PATHS


def test_what_stands_and_what_was_done_on_a_stage_has_a_price(deployed: Deployed) -> None:
    for path in PATHS.values():
        assert get(deployed, path)[0] == 200
    told = [{"MetricName": "ReconcilerTick", "Value": 1, "Dimensions": [{"Name": "stage", "Value": "local"}]}]
    deployed.stage.client("cloudwatch").put_metric_data(Namespace="Headrace", MetricData=told)
    window = window_of(deployed.stage, days=30, now=datetime.now(UTC))
    assert window.hours < 1, "it has not stood for longer"
    found = usage(deployed.stage, deployed.outputs, window)
    priced = {line.what: line.usd for line in found}
    assert {line.quantity for line in found if line.what == "metrics of our own"} == {1 / 730}, "an hour"
    for what in (
        "alarms",
        "metrics of our own",
        "dashboard",
        "secrets",
        "signing key",
        "requests to the APIs",
        "runs of functions",
    ):
        assert (priced[what] or 0.0) > 0.0, what
