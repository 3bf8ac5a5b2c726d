"""Model versions and their model packages in SageMaker agree, whoever decides and whatever is lost."""

from typing import Any

import msgspec
import pytest
from chalicelib.training.workflow import triggers
from chalicelib.training.workflow.judging import decide_as_person
from chalicelib.training.workflow.mirroring import mirror

from shared.entities.training import ModelState, ModelVersion
from shared.errors import Conflict, Unavailable
from shared.events import ModelVersionApproved, ModelVersionRejected
from tests.unit.training.world import World, make_archive, make_evaluation

PERSON = {"release": {"approval": "person"}}


def judged(**definition: Any) -> tuple[World, ModelVersion]:
    """Return a world with one model version that the gate has looked at."""
    world = World(**definition)
    world.ready(world.dataset(1))
    job = world.only_job()
    world.complete(job)
    world.changed(job)
    return world, world.models()[0]


def package(world: World, model: ModelVersion) -> dict[str, object]:
    return world.packages.made[model.package_arn or ""]


def test_an_approved_version_is_an_approved_package_of_its_pipelines_group() -> None:
    world, model = judged()
    made = package(world, model)
    assert (model.state, model.attention) == (ModelState.APPROVED, None)
    assert made["ModelApprovalStatus"] == "Approved"
    assert made["ModelPackageGroupName"] == "headrace-test-flights"
    assert world.packages.groups["headrace-test-flights"] == {
        "headrace:stage": "test",
        "headrace:pipeline": "flights",
    }
    (container,) = made["InferenceSpecification"]["Containers"]  # type: ignore[index]
    assert container["ModelDataUrl"] == model.artifact_uri
    assert made["CustomerMetadataProperties"]["headrace_manifest_sha256"] == model.manifest_sha256  # type: ignore[index]
    assert len(str(made["ClientToken"])) == 36


def test_a_package_says_which_of_two_waiting_states_its_status_stands_for() -> None:
    world, model = judged(**PERSON)
    noted = package(world, model)["CustomerMetadataProperties"]
    assert noted["headrace_state"] == model.state == ModelState.PENDING_APPROVAL  # type: ignore[index]
    needs = msgspec.structs.replace(model, state=ModelState.NEEDS_PERSON)
    mirror(world.ports, needs)
    assert package(world, model)["CustomerMetadataProperties"]["headrace_state"] == "NEEDS_PERSON"  # type: ignore[index]
    assert package(world, model)["ModelApprovalStatus"] == "PendingManualApproval"


def test_a_version_the_gate_refuses_is_a_rejected_package_that_is_not_looked_at_again() -> None:
    world, model = judged(gate=["roc_auc >= 0.99"])
    assert package(world, model)["ModelApprovalStatus"] == "Rejected"
    calls = list(world.packages.calls)
    world.tick()
    assert world.packages.calls == calls == [("create", "Rejected")]


@pytest.mark.parametrize(
    ("status", "state", "event"),
    [
        ("Approved", ModelState.APPROVED, ModelVersionApproved),
        ("Rejected", ModelState.REJECTED, ModelVersionRejected),
    ],
)
@pytest.mark.parametrize("is_lost", [False, True])
def test_a_decision_in_sagemaker_is_a_persons_decision_by_event_or_by_the_minute(
    status: str, state: ModelState, event: type, is_lost: bool
) -> None:
    world, model = judged(**PERSON)
    assert (model.state, model.attention) == (ModelState.PENDING_APPROVAL, "person")
    world.packages.decide(model.package_arn or "", status, description="seen the plots", by="arn:ada")
    if is_lost:
        world.tick()
    else:
        triggers.on_model_package_state_change(world.ports, model.package_arn or "")
    (decided,) = world.models()
    word = "approved" if status == "Approved" else "rejected"
    assert decided.state is state
    assert decided.reasons[-1] == f"{word} by arn:ada in SageMaker: seen the plots"
    assert decided.attention is None
    assert len(world.bus.named(event)) == 1
    # The words of the person stay, and our note of the status follows: nothing is left to hear.
    assert package(world, model)["ApprovalDescription"] == "seen the plots"
    before = list(world.packages.calls)
    triggers.on_model_package_state_change(world.ports, model.package_arn or "")
    world.tick()
    assert world.packages.calls == before
    assert len(world.bus.named(event)) == 1


def test_a_decision_over_rest_reaches_the_package_and_is_not_heard_as_another() -> None:
    world, model = judged(**PERSON)
    decide_as_person(world.ports, model, ModelState.APPROVED, who="t1", reason="looks right")
    assert package(world, model)["ModelApprovalStatus"] == "Approved"
    assert "approved by t1: looks right" in str(package(world, model)["ApprovalDescription"])
    triggers.on_model_package_state_change(world.ports, model.package_arn or "")
    (decided,) = world.models()
    assert [verdict.clause for verdict in decided.verdicts].count("person") == 1
    assert world.packages.calls == [("create", "PendingManualApproval"), ("update", "Approved")]


def test_who_decides_without_a_word_is_not_given_ours() -> None:
    world, model = judged(**PERSON)
    world.decide_in_sagemaker(model, "Rejected", description="Headrace: passed")
    assert world.models()[0].reasons[-1] == "rejected by somebody in SageMaker: no reason was given there"


def test_what_the_gate_has_decided_is_set_back_in_sagemaker() -> None:
    world, model = judged(gate=["roc_auc >= 0.99"])
    world.decide_in_sagemaker(model, "Approved", by="arn:ada")
    assert world.models()[0].state is ModelState.REJECTED
    assert package(world, model)["ModelApprovalStatus"] == "Rejected"
    assert world.bus.named(ModelVersionApproved) == []


def test_two_people_at_once_are_one_decision_and_the_package_says_which(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, model = judged(**PERSON)
    world.packages.decide(model.package_arn or "", "Approved")
    real = world.ports.packages.describe

    def rejected_meanwhile(arn: str) -> object:
        seen = real(arn)
        monkeypatch.undo()
        decide_as_person(world.ports, model, ModelState.REJECTED, who="t1", reason="no")
        return seen

    monkeypatch.setattr(world.packages, "describe", rejected_meanwhile)
    triggers.on_model_package_state_change(world.ports, model.package_arn or "")
    (decided,) = world.models()
    assert decided.state is ModelState.REJECTED
    assert package(world, model)["ModelApprovalStatus"] == "Rejected"
    with pytest.raises(Conflict):
        decide_as_person(world.ports, decided, ModelState.APPROVED, who="t1", reason="yes")


def test_a_registry_that_is_down_holds_up_no_release_and_is_caught_up_with() -> None:
    world = World()
    world.packages.refusal = Unavailable("down")
    world.ready(world.dataset(1))
    job = world.only_job()
    world.complete(job)
    world.changed(job)
    (model,) = world.models()
    assert (model.state, model.attention) == (ModelState.APPROVED, "package")
    assert len(world.bus.named(ModelVersionApproved)) == 1
    world.packages.refusal = None
    world.tick()
    (model,) = world.models()
    assert model.attention is None
    assert package(world, model)["ModelApprovalStatus"] == "Approved"
    assert len(world.bus.named(ModelVersionApproved)) == 1


def test_a_lost_answer_makes_no_second_package() -> None:
    world = World()
    world.packages.loses_answer = True
    world.ready(world.dataset(1))
    job = world.only_job()
    world.complete(job)
    world.changed(job)
    world.tick()
    assert world.packages.calls == [("create", "Approved")]
    assert len(world.packages.made) == 1


def test_a_deleted_package_of_a_version_that_waits_is_made_again() -> None:
    world, model = judged(**PERSON)
    del world.packages.made[model.package_arn or ""]
    world.tick()
    (again,) = world.models()
    assert again.package_arn != model.package_arn
    assert package(world, again)["ModelApprovalStatus"] == "PendingManualApproval"


def test_a_foreign_package_with_our_notes_decides_nothing() -> None:
    world, model = judged(**PERSON)
    stolen = "arn:aws:sagemaker:us-east-1:000000000000:model-package/headrace-test-flights/9"
    world.packages.made[stolen] = {**package(world, model), "ModelApprovalStatus": "Approved"}
    triggers.on_model_package_state_change(world.ports, stolen)
    triggers.on_model_package_state_change(world.ports, "arn:of-nothing")
    assert world.models()[0].state is ModelState.PENDING_APPROVAL


def test_a_version_that_needs_a_person_may_be_decided_in_sagemaker_too() -> None:
    world = World()
    world.ready(world.dataset(1))
    job = world.only_job()
    world.complete(job, make_archive(make_evaluation(rows=10)))
    world.changed(job)
    (model,) = world.models()
    assert model.state is ModelState.NEEDS_PERSON
    world.decide_in_sagemaker(model, "Approved", description="few rows, but known", by="arn:ada")
    assert world.models()[0].state is ModelState.APPROVED
