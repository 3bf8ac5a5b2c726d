"""What the whole suite asked of IAM: nothing was denied, and of a sample each statement was needed.

These run after everything else, for they measure it; without the whole of tests/e2e they have nothing to say. Every
statement, action and resource is taken away in `make proof`.
"""

import pytest

from localcloud.mends.iam_ledger import Entry
from tests.security.ledger import (
    Statement,
    allows,
    kills,
    mutants,
    parsed_statements,
    policies_of,
    read_ledgers,
)
from tests.stage import LEDGERS, Stage

pytestmark = pytest.mark.measures_the_suite
Policies = dict[str, list[Statement]]
Asked = dict[str, list[Entry]]
# What every way from an upload to a prediction needs, whoever is quicker.
SAMPLE = {
    "headrace-ingest-local-bearer": ["FindToken"],
    "headrace-ingest-local-on_object_created": ["Announce", "MoveVersions", "WriteDatasets"],
    "headrace-training-local-bearer": ["ReadTokens"],
    "headrace-training-local-on_dataset_version_ready": [
        "Announce",
        "MoveJobs",
        "ReadDatasets",
        "ReadPipelines",
        "RunTrainingJobs",
        "TrainAsRole",
        "WritePlans",
    ],
    "headrace-training-local-on_drift_detected": ["MoveJobs", "RunTrainingJobs"],
    "headrace-training-local-on_pipeline_deleted": ["FindOpenJobs", "ReadPipelines"],
    "headrace-training-local-on_training_job_state_change": [
        "Announce",
        "MoveJobs",
        "MoveModelVersions",
        "ReadArtifacts",
        "SignManifests",
        "WriteModelFiles",
    ],
    "headrace-inference-local-batch": [
        "BatchFiles",
        "ReadSignedModels",
        "TransformAsRole",
        "TransformBatches",
        "WriteBatches",
    ],
    "headrace-inference-local-bearer": ["ReadTokens"],
    "headrace-inference-local-monitor": ["Announce", "ReadReleasesAndNoteChecks"],
    "headrace-inference-local-on_endpoint_state_change": ["Announce", "WriteReleases"],
    "headrace-inference-local-on_model_version_approved": ["Announce", "WriteReleases"],
    "headrace-inference-local-on_pipeline_deleted": ["ReadPipelines", "WriteReleases"],
    "headrace-inference-local-prediction_log": ["PredictionLogAndItsSums"],
}


@pytest.fixture(scope="session")
def asked(policies: Policies) -> Asked:
    """What each role of every stage of this session asked for, but of other stages' keys and secrets: they have other ids."""
    parsed = {role: parsed_statements(statements) for role, statements in policies.items()}
    return {
        role: [entry for entry in entries if not entry.allowed or allows(parsed.get(role, []), entry)]
        for role, entries in read_ledgers(LEDGERS).items()
    }


@pytest.fixture(scope="session")
def policies(stage: Stage) -> Policies:
    """What each role may do, as it is deployed."""
    return policies_of(stage.aws("iam"), "headrace-")


def test_every_function_asked_for_something(policies: Policies, asked: Asked) -> None:
    functions = {role for role in policies if not role.startswith("headrace-local-")}
    assert len(functions) > 15
    assert functions <= asked.keys()


def test_nothing_was_denied(asked: Asked) -> None:
    denied = [entry for entries in asked.values() for entry in entries if not entry.allowed]
    assert [(entry.role, entry.action, entry.resource) for entry in denied] == []


def test_a_statement_taken_away_is_noticed(policies: Policies, asked: Asked) -> None:
    taken = {
        f"{role}/{mutant.grant}": kills(mutant, asked[role])
        for role, sids in SAMPLE.items()
        for mutant in mutants(role, policies[role])
        if mutant.grant in sids
    }
    assert sorted(taken) == sorted(f"{role}/{sid}" for role, sids in SAMPLE.items() for sid in sids)
    assert [grant for grant, is_noticed in taken.items() if not is_noticed] == []


def test_the_evaluator_of_the_measure_decides_as_the_stage_did(stage: Stage, policies: Policies) -> None:
    wrong, asked = [], read_ledgers([stage.ledger])
    for role, statements in policies.items():
        parsed = parsed_statements(statements)
        wrong += [entry for entry in asked.get(role, []) if allows(parsed, entry) != entry.allowed]
    assert wrong == []
