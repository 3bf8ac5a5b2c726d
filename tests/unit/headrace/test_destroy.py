"""What `headrace destroy` asks before, and how it ends when something is left."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from headrace.operate.commands import destroy as command
from infra import destroy as destroying
from infra.destroy import Removal
from infra.removal import table
from infra.removal.kinds import Found
from infra.stage import Stage
from tests.unit.headrace.conftest import Run
from tests.unit.headrace.fake_stage import Nobody

THERE = [Found(kind="function", name="f"), Found(kind="bucket", name="b", is_data=True)]
Destroy = Callable[..., Result]


class Fake:
    """Stands for the cloud: says what is there, and notes whether the data were to go."""

    def __init__(self) -> None:
        self.with_data: list[bool] = []
        self.result = Removal(removed=1, kept=THERE[1:], left=[])

    def destroy(self, *_: Any, with_data: bool, **__: Any) -> Removal:
        self.with_data.append(with_data)
        return self.result


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Fake:
    fake = Fake()
    stage = Stage(name="dev", region="eu-west-1", account="111122223333")
    monkeypatch.setattr(command, "stage_of", lambda *_: stage)
    monkeypatch.setattr(table, "inventory", lambda _: THERE)
    monkeypatch.setattr(destroying, "destroy", fake.destroy)
    return fake


@pytest.fixture
def destroy(run: Run, tmp_path: Path, cloud: Fake) -> Destroy:
    for name in ("ingest_service", "training_service", "inference_service", "infra"):
        (tmp_path / name).mkdir()
    return lambda *args, **options: run(Nobody(), "destroy", "--stage", "dev", *args, **options)


def test_it_shows_what_goes_and_what_stays_and_wants_the_name_typed(destroy: Destroy, cloud: Fake) -> None:
    result = destroy(text="dev\n")
    assert result.exit_code == 0, result.stderr
    assert "Goes: 1 function\nStays (--data removes it): 1 bucket" in result.stderr
    assert "account 111122223333, eu-west-1" in result.stderr
    assert cloud.with_data == [False]


@pytest.mark.parametrize(("more", "fate"), [([], "stays"), (["--data"], "goes")])
def test_a_plan_lists_each_thing_with_its_fate_and_removes_nothing(
    destroy: Destroy, cloud: Fake, more: list[str], fate: str
) -> None:
    result = destroy("--plan", "-o", "json", *more)
    assert (result.exit_code, cloud.with_data) == (0, [])
    assert json.loads(result.stdout) == [
        {"kind": "function", "name": "f", "fate": "goes"},
        {"kind": "bucket", "name": "b", "fate": fate},
    ]


@pytest.mark.parametrize("typed", ["y\n", "prod\n", "\n"])
def test_anything_but_the_name_removes_nothing(destroy: Destroy, cloud: Fake, typed: str) -> None:
    result = destroy("--data", text=typed)
    assert (result.exit_code, cloud.with_data) == (1, [])


def test_the_data_go_only_when_asked_for(destroy: Destroy, cloud: Fake) -> None:
    destroy("--data", "--yes")
    assert cloud.with_data == [True]


def test_what_is_left_is_listed_and_ends_with_1(destroy: Destroy, cloud: Fake) -> None:
    cloud.result = Removal(removed=1, kept=[], left=[Found(kind="tagged", name="arn:aws:sns:x")])
    result = destroy("--yes", "-o", "json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == [{"kind": "tagged", "name": "arn:aws:sns:x", "is_data": False}]
    assert "still there of stage 'dev': 1 thing, listed above" in result.stderr
