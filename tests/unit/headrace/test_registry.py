"""What the command shows of a model version's record."""

import json
from typing import Any

import pytest

from tests.unit.headrace.conftest import Run
from tests.unit.headrace.fake_stage import FakeStage, problem

V1 = "/models/flights/v1"


def evaluation(loss: float, judged: str, **more: Any) -> dict[str, Any]:
    interval = {"estimate": -0.05, "low": -0.07, "high": -0.03}
    return {
        "rows": 500,
        "judged": {"from": judged, "through": judged},
        "metrics": {"challenger": {"log_loss": loss, "mape": None}},
        "differences": {"champion": None, "baseline": {"log_loss": interval, "mape": {"low": None}}},
        **more,
    }


def lineage(*datasets: str, verified: bool = True, **parameters: Any) -> dict[str, Any]:
    return {
        "verified": verified,
        "checks": [
            {"what": "manifest", "holds": True, "detail": "signed"},
            {"what": "artifact", "holds": verified, "detail": "sha256 abc"},
        ],
        "datasets": [
            {"version": name, "rows": 10, "raw": {"uri": f"s3://in/{name}.csv", "sha256": "ab" * 32}}
            for name in datasets
        ],
        "parameters": {"preset": "fast", "metrics": ["x"], **parameters},
        "code": {"recipe_sha256": "r", "image_uri": "i", "versions": {"numpy": "2.5.1"}},
    }


def test_the_card_is_printed_as_it_is(run: Run) -> None:
    result = run(
        FakeStage({f"GET {V1}/card": {"markdown": "# flights\n\n- a\n"}}), "models", "card", "flights", "v1"
    )
    assert (result.exit_code, result.stdout) == (0, "# flights\n\n- a\n")


def test_the_lineage_begins_at_a_prediction_and_ends_at_an_upload(run: Run) -> None:
    fake = FakeStage(
        {
            "GET /predictions/flights/r-0": {"model_version": "v1", "id": "r-0"},
            f"GET {V1}/lineage": lineage("d1"),
        }
    )
    result = run(fake, "models", "lineage", "flights", "--prediction", "r-0")
    assert result.exit_code == 0
    assert f"v1 ← d1 ← s3://in/d1.csv (sha256 {'ab' * 32})" in result.stderr
    assert "manifest" in result.stdout
    whole = json.loads(run(fake, "models", "lineage", "flights", "--prediction", "r-0", "-o", "json").stdout)
    assert (whole["prediction"]["id"], whole["datasets"][0]["version"]) == ("r-0", "d1")


def test_a_link_that_does_not_hold_is_an_exit_code_and_named(run: Run) -> None:
    fake = FakeStage({f"GET {V1}/lineage": lineage("d1", verified=False)})
    result = run(fake, "models", "lineage", "flights", "v1")
    assert result.exit_code == 1
    assert "does not hold at: artifact" in result.stderr


@pytest.mark.parametrize("arguments", [(), ("v2", "--prediction", "r-0")])
def test_a_lineage_of_nothing_or_of_two_things_is_wrong_usage(run: Run, arguments: tuple[str, ...]) -> None:
    fake = FakeStage({"GET /predictions/flights/r-0": {"model_version": "v1", "id": "r-0"}})
    assert run(fake, "models", "lineage", "flights", *arguments).exit_code == 2


def test_two_versions_are_shown_side_by_side_with_what_differs_only(run: Run) -> None:
    worst = {"column": "carrier", "slice": "AA", "rows": 40, "value": 0.7}
    slices = {"metric": "log_loss", "least_rows": 30, "columns": [worst]}
    fake = FakeStage(
        {
            f"GET {V1}/evaluation": evaluation(0.6, "2026-01-01", slices=slices),
            "GET /models/flights/v2/evaluation": evaluation(0.5, "2026-02-01"),
            f"GET {V1}/lineage": lineage("d1", max_iter=100),
            "GET /models/flights/v2/lineage": lineage("d1", "d2", max_iter=200),
        }
    )
    found = json.loads(run(fake, "models", "compare", "flights", "v1", "v2", "-o", "json").stdout)
    loss, mape = found["metrics"]
    assert loss["difference"] == pytest.approx(-0.1)
    assert loss["old_over_baseline"] == "-0.05 [-0.07, -0.03]"
    assert (mape["difference"], mape["new_over_baseline"]) == (None, None)
    assert found["parameters"] == [{"name": "max_iter", "old": 100, "new": 200}]
    assert [row["name"] for row in found["data"]] == ["d2"]
    assert found["slices"] == [{"name": "carrier", "old": "AA: 0.7 on 40 rows", "new": None}]
    assert found["libraries"] == found["code"] == []
    table = run(fake, "models", "compare", "flights", "v1", "v2")
    assert "judged on different rows" in table.stderr
    assert table.stdout.splitlines()[0].split() == [
        "ABOUT",
        "NAME",
        "OLD",
        "NEW",
        "DIFFERENCE",
        "OLD",
        "OVER",
        "BASELINE",
        "NEW",
        "OVER",
        "BASELINE",
    ]


def reproduction(state: str, outcome: str | None = None, **more: Any) -> dict[str, Any]:
    report = {"outcome": outcome, "reasons": ["numpy was 1, is 2"], "tolerance": 1e-6} if outcome else None
    return {"job_id": "j1", "state": state, "reason": None, "report": report, **more}


@pytest.mark.parametrize(("outcome", "code"), [("identical", 0), ("equivalent", 0), ("different", 1)])
def test_a_reproduction_is_waited_for_and_its_outcome_is_the_exit_code(
    run: Run, outcome: str, code: int
) -> None:
    fake = FakeStage(
        {
            f"POST {V1}/reproduce": reproduction("RUNNING"),
            f"GET {V1}/reproductions/j1": [reproduction("RUNNING"), reproduction("SUCCEEDED", outcome)],
        }
    )
    result = run(fake, "models", "reproduce", "flights", "v1")
    assert result.exit_code == code
    assert outcome in result.stdout
    assert ("numpy was 1, is 2" in result.stderr) is (outcome == "different")


def test_a_reproduction_that_cannot_be_says_why(run: Run) -> None:
    fake = FakeStage({f"POST {V1}/reproduce": problem(409, "Conflict", "gone are s3://data/x")})
    assert "gone are s3://data/x" in run(fake, "models", "reproduce", "flights", "v1").stderr
    fake = FakeStage(
        {
            f"POST {V1}/reproduce": reproduction("RUNNING"),
            f"GET {V1}/reproductions/j1": reproduction("DEAD", reason="AlgorithmError: x"),
        }
    )
    result = run(fake, "models", "reproduce", "flights", "v1")
    assert (result.exit_code, "j1 is DEAD: AlgorithmError: x" in result.stderr) == (1, True)
    result = run(fake, "models", "reproduce", "flights", "v1", "--no-wait", "-o", "json")
    assert json.loads(result.stdout)["state"] == "RUNNING"
