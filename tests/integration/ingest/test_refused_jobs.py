"""Each documented error of CreateProcessingJob comes to the outcome that the table of errors tells."""

import pytest

from docs.aws_errors.outcomes import Outcome
from shared.entities.dataset import DatasetState
from tests.aws_faults import raised_at
from tests.integration.ingest.test_large_files import SMALL, run_job, tick

CREATE = raised_at("ProcessingJobs.create", "CreateProcessingJob")
ENDS = {Outcome.REJECT, Outcome.FAIL}


@pytest.mark.parametrize("fault", CREATE)
def test_a_processing_job_that_aws_refuses_is_created_later_or_fails_the_version(world, csv, fault) -> None:
    outcome, error = CREATE[fault]
    world.limits = SMALL
    world.jobs.refusals = [error]
    row = world.upload(csv())
    if outcome in ENDS:
        world.jobs.refusals = [error]
        tick(world)
        failed = world.row_of(row)
        assert failed.state is DatasetState.FAILED
        assert "SageMaker refused the processing job" in failed.detail
    else:
        for _ in range(3):
            tick(world)
        assert run_job(world, world.row_of(row)).state is DatasetState.READY
