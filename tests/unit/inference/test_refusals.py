"""Each documented error of the calls that make an endpoint comes to the outcome that the table of errors tells."""

import pytest
from chalicelib.inference.states import Outcome as End
from chalicelib.inference.workflow import requests, tidying

from docs.aws_errors.outcomes import Outcome
from shared.errors import HeadraceError
from shared.events import ModelVersionApproved
from tests.aws_faults import raised_at
from tests.unit.inference.fakes import Stage

FAULTS = {
    f"{operation}: {fault}": found
    for operation in ("CreateModel", "CreateEndpoint")
    for fault, found in raised_at("SageMakerEndpoints.create", operation).items()
}
NAME = "headrace-test-flights-v1"


def approve(stage: Stage) -> None:
    requests.on_model_approved(
        stage.adapters, ModelVersionApproved(pipeline="flights", version="v1", job_id="job-v1")
    )


@pytest.mark.parametrize("fault", FAULTS)
def test_a_release_that_aws_refuses_goes_on_when_it_can_or_ends(
    fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome, error = FAULTS[fault]
    stage = Stage()
    stage.add_model("v1")

    def refuse(_: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(stage.endpoints, "create", refuse)
        if outcome in {Outcome.RETRY, Outcome.FAIL}:
            with pytest.raises(HeadraceError):
                approve(stage)
        else:
            approve(stage)
        if outcome is Outcome.REJECT:
            assert (stage.release().candidate, stage.release().outcome) == (None, End.FAILED)
            return
        assert stage.release().candidate == "v1"
    # What refused is gone within the time that a release has.
    tidying.reconcile(stage.adapters)
    stage.endpoints.finish()
    tidying.reconcile(stage.adapters)
    assert stage.release().live == "v1"


def test_the_table_has_errors_of_every_outcome() -> None:
    found = {outcome for outcome, _ in FAULTS.values()}
    assert found == {Outcome.RETRY, Outcome.WAIT, Outcome.REJECT, Outcome.FAIL}
