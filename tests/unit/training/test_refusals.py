"""Each documented error of CreateTrainingJob comes to the outcome that the table of errors tells."""

import pytest

from docs.aws_errors.outcomes import Outcome
from shared.entities.training import JobState
from tests.aws_faults import raised_at
from tests.unit.training.world import World

CREATE = raised_at("SageMakerJobs.create", "CreateTrainingJob")
# A name that is taken and yet not found is looked at again in a while: it may be in deletion.
WAITS = {Outcome.RETRY, Outcome.WAIT, Outcome.DECIDE}


@pytest.mark.parametrize("fault", CREATE)
def test_a_job_that_aws_refuses_waits_for_its_turn_or_ends_with_the_reason(fault: str) -> None:
    outcome, error = CREATE[fault]
    world = World()
    world.sagemaker.refusal = error
    world.ready(world.dataset(1))
    job = world.only_job()
    if outcome in WAITS:
        assert job.state is JobState.PENDING
        world.sagemaker.refusal = None
        world.tick(1000)
        assert len(world.sagemaker.created) == 1
    else:
        assert outcome in {Outcome.REJECT, Outcome.FAIL}
        assert job.state is JobState.DEAD
        assert (job.reason or "").startswith("refused: ")


def test_the_table_has_errors_of_every_outcome() -> None:
    assert {outcome for outcome, _ in CREATE.values()} == WAITS | {Outcome.REJECT, Outcome.FAIL}
