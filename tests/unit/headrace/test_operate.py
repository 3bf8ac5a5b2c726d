import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from headrace.client.credentials import Credentials, read_credentials, write_credentials
from headrace.operate import demo, deployment
from headrace.operate.commands.env import exports
from headrace.operate.project import Project, find_project
from headrace.session import Session
from tests.unit.headrace.conftest import Run
from tests.unit.headrace.fake_stage import NOT_FOUND, URL, FakeStage, Nobody, problem
from tests.unit.headrace.test_predict import answering

ROOT = Path(__file__).resolve().parents[3]
FIRST = "new"


class Told:
    """Progress that remembers."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, str]] = []

    def doing(self, text: str) -> None: ...

    def done(self, name: str, made: str, seconds: float | None = None) -> None:
        self.steps.append((name, made))

    def note(self, text: str) -> None: ...

    def close(self) -> None: ...


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """An empty folder that looks like a checkout."""
    for name in ("ingest_service", "training_service", "inference_service", "infra"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.mark.parametrize("value", ["plain", "two words", "a'b", '"$(touch x)"', "`id`", "a;b\nc", "\\", "é"])
def test_a_shell_gets_every_export_exactly_as_it_is(tmp_path: Path, value: str) -> None:
    text = exports(Project(root=tmp_path / value.replace("/", "")), {"HEADRACE_TOKEN": value}, on_path=False)
    script = f'{text}printf %s "$HEADRACE_TOKEN"; printf "|%s" "$PATH"'
    done = subprocess.run(
        ["/bin/sh", "-c", script], capture_output=True, check=True, env={"PATH": "/usr/bin"}
    )
    token, _, path = done.stdout.decode().partition("|")
    assert token == value
    assert path == f"{tmp_path / value}/.venv/bin:/usr/bin"


def test_the_path_does_not_grow_when_the_tools_are_on_it(tmp_path: Path) -> None:
    assert "PATH" not in exports(Project(root=tmp_path), {"A": "1"}, on_path=True)


def test_the_local_keys_never_travel_with_the_session_of_a_real_account(tmp_path: Path) -> None:
    local = exports(Project(root=tmp_path), {"AWS_ENDPOINT_URL": URL}, on_path=True)
    assert "unset AWS_SESSION_TOKEN AWS_PROFILE\n" in local
    assert "unset" not in exports(Project(root=tmp_path), {"HEADRACE_URL": URL}, on_path=True)


@pytest.mark.parametrize("command", [("env",), ("deploy",), ("status",), ("logs",), ("alarms",), ("cost",)])
def test_what_needs_the_local_cloud_says_with_5_how_to_start_it(
    run: Run, checkout: Path, command: tuple[str]
) -> None:
    write_credentials(Credentials(stage="local", url=URL, token="hr_x"), checkout)
    result = run(Nobody(), *command, environ={})
    assert result.exit_code == 5
    assert "headrace up" in result.stderr
    assert result.stdout == ""


def test_down_without_a_local_cloud_changes_nothing_and_succeeds(run: Run, checkout: Path) -> None:
    result = run(Nobody(), "down", environ={})
    assert result.exit_code == 0
    assert "no local cloud runs here" in result.stderr


def test_reset_asks_first(run: Run, checkout: Path) -> None:
    kept = write_credentials(Credentials(stage="local", url=URL, token="hr_x"), checkout)
    assert run(Nobody(), "reset", text="n\n").exit_code == 1
    assert kept.exists()
    assert run(Nobody(), "reset", "--yes").exit_code == 0
    assert not kept.exists()


def test_up_is_for_the_local_stage_only(run: Run) -> None:
    assert run(Nobody(), "--stage", "prod", "up").exit_code == 2


def test_the_checkout_is_found_from_within_it(checkout: Path, tmp_path: Path) -> None:
    assert find_project(checkout / "ingest_service").root == checkout
    assert find_project(Path("/")).root == ROOT


def stage_with(**more: Any) -> FakeStage:
    inputs = [{"name": name, "type": "string"} for name in ("carrier", "origin", "dest")]
    return FakeStage(
        {
            "GET /pipelines/flights": {"pipeline": "flights", "definition": {}},
            "GET /endpoints/flights": {"live": "v3", "live_since": "2026-11-22T10:00:00Z"},
            "GET /models/flights/v3": {"inputs": {"inputs": inputs}},
            "POST /predictions/flights": answering,
            **{route.replace("__", " "): answer for route, answer in more.items()},
        }
    )


def demo_on(stage: FakeStage, tmp_path: Path) -> tuple[bool, list[tuple[str, str]]]:
    told = Told()
    environ = {"HEADRACE_URL": URL, "HEADRACE_TOKEN": "hr_x"}
    session = Session(environ=environ, folder=tmp_path, transport=lambda: stage, sleep=lambda _: None)
    session._progress = told
    return demo.run_demo(session, Project(root=ROOT)), told.steps


def test_a_demo_that_is_live_already_only_predicts(tmp_path: Path) -> None:
    stage = stage_with()
    changed, steps = demo_on(stage, tmp_path)
    assert not changed
    assert [name for name, _ in steps] == ["pipeline", "live", "predict"]
    assert {request.method for request in stage.requests} == {"GET", "POST"}
    assert [r.url for r in stage.requests if r.method == "POST"] == [f"{URL}/v1/predictions/flights"]


def test_the_demo_predicts_a_real_flight_of_a_month_that_was_not_uploaded(tmp_path: Path) -> None:
    _, steps = demo_on(stage_with(), tmp_path)
    lines = (ROOT / "examples/flights/2013-02.csv").read_text().splitlines()
    record = dict(zip(lines[0].split(","), lines[1].split(","), strict=True))
    assert steps[-1][1] == (
        f"{record['carrier']} {record['origin']}-{record['dest']} late? v3 says true (score 0.75); "
        f"in truth {record['late']}"
    )


class Minted:
    """Stands for `infra.tokens.mint_token`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        monkeypatch.setattr("infra.tokens.mint_token", self)

    def __call__(self, *_: Any, **__: Any) -> Any:
        self.count += 1
        return SimpleNamespace(token=f"hr_{FIRST}")


@pytest.mark.parametrize(
    ("kept", "answer", "minted"),
    [
        (None, {"pipelines": []}, 1),
        ("hr_old", {"pipelines": []}, 0),
        ("hr_old", problem(401, "Unauthorized", "x"), 1),
        ("hr_old", NOT_FOUND, 1),
    ],
)
def test_a_token_is_minted_only_when_none_works_and_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: str | None, answer: Any, minted: int
) -> None:
    from infra.stage import Stage

    tokens = Minted(monkeypatch)
    if kept:
        write_credentials(Credentials(stage="local", url=URL, token=kept), tmp_path)
    stage = FakeStage({"GET /pipelines": answer})
    session = Session(transport=lambda: stage, sleep=lambda _: None)
    session._progress = Told()
    deployed = deployment.Deployed(stage="local", url=URL, changed=False)
    found, is_new = deployment.ensure_token(session, Project(root=tmp_path), Stage.local(URL), deployed)
    assert (tokens.count, is_new) == (minted, bool(minted))
    assert read_credentials("local", tmp_path) == found
    assert found.token == (f"hr_{FIRST}" if minted else kept)
