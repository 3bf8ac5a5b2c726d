"""Which version answers, and how lightly the app starts."""

import os
import random
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from chalicelib.inference.naming import endpoint_name, served_by
from chalicelib.inference.plan import plan_endpoint
from chalicelib.inference.routing import Route, Spread, choose
from chalicelib.inference.states import Refused

from shared.entities.releasing import Serverless
from shared.entities.serving import Release
from tests.fakes import FakeBucket
from tests.unit.inference.fakes import signed_model
from tests.unit.inference.rest import ENVIRONMENT

ROOT = Path(__file__).parents[3]
AT: dict[str, Any] = {"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"}


def chosen(release, key, draw):
    route = choose(release, key, draw)
    return route.version if route else None


def canary(weight):
    return Release(pipeline="p", live="v1", candidate="v2", mode="canary", weight=weight, **AT)


def test_a_direct_release_never_sends_anyone_to_the_candidate():
    release = Release(pipeline="p", live="v1", candidate="v2", weight=1.0, **AT)
    assert {chosen(release, key, 0.0) for key in (None, "a", "b")} == {"v1"}


def test_nothing_answers_while_nothing_is_live():
    assert choose(Release(pipeline="p", candidate="v1", **AT), None, 0.5) is None


def test_without_a_key_the_draw_decides():
    assert chosen(canary(0.3), None, 0.29) == "v2"
    assert chosen(canary(0.3), None, 0.3) == "v1"


def test_a_key_keeps_its_version_and_a_rising_weight_never_sends_it_back():
    keys = [f"user-{n}" for n in range(2000)]
    canaries = [{key for key in keys if chosen(canary(w), key, 0.0) == "v2"} for w in (0.1, 0.5, 1.0)]
    assert canaries[0] < canaries[1] < canaries[2] == set(keys)
    assert 140 < len(canaries[0]) < 260
    assert 900 < len(canaries[1]) < 1100


@pytest.mark.parametrize("weight", [0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("sandboxes", [1, 7])
def test_any_thousand_requests_without_keys_are_spread_by_the_weight(weight, sandboxes):
    start = random.Random(7)
    spreads = [Spread(start.random()) for _ in range(sandboxes)]
    went = [chosen(canary(weight), None, spreads[n % sandboxes].draw()) == "v2" for n in range(10_000)]
    for first in range(0, 9_000, 500):
        assert abs(sum(went[first : first + 1000]) - 1000 * weight) <= 20


def test_keys_are_spread_as_chance_would():
    """Chi-square of 20 equal parts: beyond 43.8 chance comes once in 1,000 times."""
    keys = 20_000
    weights = [n / 20 for n in range(1, 21)]
    counts = [
        sum(chosen(canary(weight), f"user-{n}", 0.0) == "v2" for n in range(keys)) for weight in weights
    ]
    parts = [later - sooner for sooner, later in pairwise([0, *counts])]
    assert sum((part - keys / 20) ** 2 / (keys / 20) for part in parts) < 43.8


def test_a_shadow_answers_nobody_and_sees_everything():
    release = Release(pipeline="p", live="v1", candidate="v2", mode="shadow", weight=0.0, **AT)
    routes = {choose(release, key, draw) for key in (None, "a", "b") for draw in (0.0, 0.5)}
    assert routes == {Route(version="v1", shadow="v2")}


def test_a_candidate_has_live_behind_it():
    assert choose(canary(0.3), None, 0.0) == Route(version="v2", role="candidate", instead="v1")


@pytest.mark.parametrize("pipeline", ["flights", "flights-v1", "a-b-c"])
def test_a_name_leads_back_to_pipeline_and_version(pipeline):
    assert served_by("test", endpoint_name("test", pipeline, "v12")) == (pipeline, "v12")


@pytest.mark.parametrize(
    "name", ["x", "headrace-prod-a-v1", "headrace-test-v1", "headrace-test-a-w1", "headrace-test-a"]
)
def test_foreign_names_lead_nowhere(name):
    assert served_by("test", name) is None


def test_a_name_too_long_for_sagemaker_is_refused_before_anything_is_made():
    model = signed_model(FakeBucket("models"), "v1", None)
    with pytest.raises(Refused, match="63 characters"):
        plan_endpoint(model, Serverless(), stage="s" * 60, role_arn="role")


def test_the_app_and_all_that_a_prediction_asks_come_without_boto3():
    """A cold start must not pay for what the first request does not need: boto3 costs twice the rest."""
    parts = "w = app.wiring; w.predicting, w.tokens, w.origin_secret, w.replies"
    code = f"import app, sys; {parts}; print([m for m in sys.modules if m.split('.')[0] in ('boto3', 'botocore')])"
    path = f"{ROOT}:{ROOT / 'inference_service'}"
    environment = os.environ | ENVIRONMENT | {"PYTHONPATH": path, "AWS_REGION": "us-east-1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
