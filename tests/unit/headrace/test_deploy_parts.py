"""`headrace deploy --render` and `--harden`: what goes before and after a plain `chalice deploy`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from headrace.operate import deployment
from infra import deploy as deploying
from infra.deploy import Step
from infra.stage import Stage
from tests.unit.headrace.conftest import Run
from tests.unit.headrace.fake_stage import Nobody

Deploy = Callable[..., Result]


@pytest.fixture
def done() -> list[str]:
    """What was asked of the deployer."""
    return []


@pytest.fixture
def deploy(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: list[str]) -> Deploy:
    def part(name: str) -> Callable[..., None]:
        def do(*_: Any, on_step: Callable[[Step], None], **__: Any) -> None:
            done.append(name)
            on_step(Step(name=name, detail="3 files", seconds=0.1, changed=name == "render"))

        return do

    for name in ("ingest_service", "training_service", "inference_service", "infra"):
        (tmp_path / name).mkdir()
    stage = Stage(name="dev", region="eu-west-1", account="111122223333")
    monkeypatch.setattr(deployment, "deployed", lambda _: (stage, {}))
    monkeypatch.setattr(deploying, "render_stage", part("render"))
    monkeypatch.setattr(deploying, "harden_stage", part("harden"))
    monkeypatch.setattr(deploying, "deploy", part("everything"))
    return lambda *args: run(Nobody(), "deploy", "--stage", "dev", *args)


@pytest.mark.parametrize(
    ("part", "changed", "told"), [("render", "True", "3 files"), ("harden", "False", "in place: 3 files")]
)
def test_one_part_is_done_alone_and_says_whether_it_changed_anything(
    deploy: Deploy, done: list[str], part: str, changed: str, told: str
) -> None:
    result = deploy(f"--{part}", "-o", "csv")
    assert result.exit_code == 0, result.stderr
    assert done == [part]
    assert told in result.stderr
    assert changed.lower() in result.stdout.lower()


@pytest.mark.parametrize("other", [["--plan"], ["--no-waf"], ["--alert-email", ""]])
def test_a_part_with_an_option_that_would_have_no_effect_is_refused(
    deploy: Deploy, done: list[str], other: list[str]
) -> None:
    result = deploy("--harden", *other)
    assert (result.exit_code, done) == (2, [])
    assert "it goes with no other option" in result.stderr
