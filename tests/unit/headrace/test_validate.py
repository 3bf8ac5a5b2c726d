"""`headrace validate`: what the service says of a definition, before anything is changed."""

import json
from pathlib import Path

import yaml

from tests.unit.headrace.conftest import Run
from tests.unit.headrace.fake_stage import FakeStage, problem

ROUTE = "POST /pipelines/trips/validate"
EFFECTIVE = {"name": "trips", "task": "classification", "target": "late", "split": {"test": "20%"}}


def definition(tmp_path: Path) -> str:
    file = tmp_path / "pipeline.yaml"
    file.write_text("name: trips\ntask: classification\ntarget: late\n", encoding="utf-8")
    return str(file)


def test_a_valid_definition_is_said_to_be_one_and_stdout_stays_empty(run: Run, tmp_path: Path) -> None:
    stage = FakeStage({ROUTE: {"definition": EFFECTIVE}})
    done = run(stage, "validate", definition(tmp_path))
    assert (done.exit_code, done.stdout) == (0, "")
    assert "valid classification pipeline" in done.stderr
    assert [json.loads(body) for body in stage.asked(ROUTE)] == [
        {"name": "trips", "task": "classification", "target": "late"}
    ]


def test_the_effective_definition_is_printed_as_a_file_that_can_be_applied(run: Run, tmp_path: Path) -> None:
    stage = FakeStage({ROUTE: {"definition": EFFECTIVE}})
    shown = run(stage, "validate", definition(tmp_path), "--show-effective").stdout
    assert yaml.safe_load(shown) == EFFECTIVE
    shown = run(stage, "validate", definition(tmp_path), "--show-effective", "-o", "json").stdout
    assert json.loads(shown) == EFFECTIVE


def test_every_wrong_place_is_told_and_the_command_ends_with_6(run: Run, tmp_path: Path) -> None:
    errors = [
        {"pointer": "/target", "detail": "is also the key"},
        {"pointer": "/gate/0", "detail": "no metric"},
    ]
    refusal = problem(422, "Invalid body", "/target: is also the key", errors=errors)
    done = run(FakeStage({ROUTE: refusal}), "validate", definition(tmp_path))
    assert done.exit_code == 6
    assert "/target: is also the key; /gate/0: no metric" in done.stderr
