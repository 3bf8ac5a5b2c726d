"""The gate on the deployed stage: refusals with their figures, judging again without training, a champion overtaken."""

from typing import Any

from tests.e2e.conftest import Pipelines
from tests.e2e.data import DEFINITION, deliveries
from tests.stage import Stage, eventually


def decided(stage: Stage, name: str, version: str) -> dict[str, Any]:
    """Return the model version once the gate has decided."""

    def probe() -> dict[str, Any] | None:
        status, _, model = stage.request("GET", f"/v1/models/{name}/{version}")
        return model if status == 200 and model["state"] != "REGISTERED" else None

    return eventually(probe, within_s=180) or {}


def test_a_bad_model_is_refused_with_its_figures_and_a_changed_gate_judges_again_without_training(
    stage: Stage, pipelines: Pipelines
) -> None:
    name = pipelines.create("judged", gate=["roc_auc >= 0.99"])
    stage.put_object(name, "january.csv", deliveries(1))
    refused = decided(stage, name, "v1")
    assert refused["state"] == "REJECTED"
    assert refused["reasons"][0].startswith("roc_auc >= 0.99: roc_auc is 0.")

    stage.put_pipeline(name, **(DEFINITION | {"gate": ["roc_auc >= 0.6", "latency_p95_ms <= 10000"]}))
    judged = stage.headrace("models", "judge", name, "v1")
    assert judged.returncode == 0, judged.stderr
    pipelines.live(name, "v1")
    model = stage.get(f"/v1/models/{name}/v1")
    assert [each["state"] for each in model["judgements"]] == ["REJECTED", "APPROVED"]
    assert [verdict["outcome"] for verdict in model["verdicts"]] == ["passed"] * 3
    assert len(pipelines.jobs(name)) == 1

    # A month in which lateness has no reason: no model can tell it.
    stage.put_object(name, "february.csv", deliveries(2, noise=0.5))
    worse = decided(stage, name, "v2")
    assert worse["state"] == "REJECTED"
    assert any(reason.startswith("roc_auc >= 0.6: roc_auc is 0.") for reason in worse["reasons"])
    assert stage.get(f"/v1/endpoints/{name}")["live"] == "v1"


def test_a_version_that_was_overtaken_while_it_trained_is_compared_without_training_again(
    stage: Stage, pipelines: Pipelines
) -> None:
    name = pipelines.create("overtaken")
    for number, month in enumerate(("january", "february"), 1):
        stage.put_object(name, f"{month}.csv", deliveries(number))
    pipelines.live(name, "v2")
    jobs = pipelines.jobs(name)
    assert sorted(job["purpose"] for job in jobs) == ["evaluate", "train", "train"]
    model = stage.get(f"/v1/models/{name}/v2")
    assert model["evaluated_champion"] == "v1"
    evaluation = stage.get(f"/v1/models/{name}/v2/evaluation")
    assert (evaluation["purpose"], evaluation["champion_version"]) == ("evaluate", "v1")
    assert evaluation["serving"]["metrics"]["champion"]["latency_p95_ms"] > 0
