"""A release that AWS keeps refusing is tried again, and ends."""

import pytest
from chalicelib.inference.states import Outcome
from chalicelib.inference.workflow import requests, rollout, tidying

from shared.errors import Broken, HeadraceError
from shared.events import ModelVersionApproved
from tests.unit.inference.fakes import DOWN, Stage

DENIED = Broken("User: arn:aws:sts::1:assumed-role/x is not authorized (AccessDeniedException)")
V1 = "headrace-test-flights-v1"


@pytest.fixture
def warming() -> Stage:
    """v1's endpoint serves, but has not answered the golden rows."""
    stage = Stage()
    stage.add_model("v1")
    requests.on_model_approved(
        stage.adapters, ModelVersionApproved(pipeline="flights", version="v1", job_id="job-v1")
    )
    stage.endpoints.finish()
    return stage


@pytest.mark.parametrize("error", [DENIED, DOWN])
def test_what_stays_refused_ends_the_release_and_tells_nothing_of_the_account(
    warming: Stage, error: HeadraceError
) -> None:
    warming.runtime.error = error
    with pytest.raises(type(error)):
        rollout.on_endpoint_changed(warming.adapters, V1)
    assert warming.release().candidate == "v1"
    warming.clock.advance(46 * 60)
    tidying.reconcile(warming.adapters)
    assert (warming.release().candidate, warming.release().outcome) == (None, Outcome.FAILED)
    reason = warming.release().reason or ""
    assert "not ready 45 minutes" in reason
    assert "arn:" not in reason


def test_a_permission_given_in_time_lets_the_release_go_on(warming: Stage) -> None:
    warming.runtime.error = DENIED
    tidying.reconcile(warming.adapters)
    warming.runtime.error = None
    tidying.reconcile(warming.adapters)
    assert warming.release().live == "v1"


@pytest.mark.parametrize("error", [DENIED, DOWN])
def test_a_trial_of_which_nothing_can_be_read_ends_too(error: HeadraceError, monkeypatch) -> None:
    stage = Stage(strategy="canary", bake="10m", max_bake="20m")
    for version, champion in (("v1", None), ("v2", "v1")):
        stage.add_model(version, champion)
        event = ModelVersionApproved(
            pipeline="flights", version=version, job_id="j", evaluated_champion=champion
        )
        requests.on_model_approved(stage.adapters, event)
        stage.endpoints.finish()
        rollout.on_endpoint_changed(stage.adapters, f"headrace-test-flights-{version}")
    assert stage.release().phase == "CANARY"

    def refused(_: str) -> None:
        raise error

    monkeypatch.setattr(stage.endpoints, "describe", refused)
    # What is still retried flies, so that it is seen; then the candidate goes, and live answers all again.
    stage.clock.advance(64 * 60)
    with pytest.raises(type(error)):
        rollout.advance(stage.adapters, "flights")
    stage.clock.advance(2 * 60)
    rollout.advance(stage.adapters, "flights")
    release = stage.release()
    assert (release.live, release.candidate, release.outcome) == ("v1", None, Outcome.FAILED)
    assert "nothing could be read of the trial for 45 minutes" in (release.reason or "")
