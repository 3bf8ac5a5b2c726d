"""What `headrace up` leaves the caller with works as printed."""

import sys
from pathlib import Path

import pytest

from headrace.operate.commands.up import callable_name, closing_block, last_port
from headrace.operate.project import Project


@pytest.mark.parametrize(
    ("called", "path", "name"),
    [
        (".venv/bin/headrace", "/usr/bin", ".venv/bin/headrace"),
        (".venv/bin/headrace", ".venv/bin", "headrace"),
        ("headrace/__main__.py", "/usr/bin", "headrace"),
    ],
)
def test_the_printed_shell_line_names_the_command_as_the_shell_finds_it(
    called: str, path: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / ".venv" / "bin" / "headrace"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", path)
    monkeypatch.setattr(sys, "argv", [str(tmp_path / called), "up"])
    assert callable_name() == name
    assert f'eval "$({name} env)"' in closing_block("http://127.0.0.1:4577", (("headrace down", "stop"),))


def test_a_stage_keeps_the_port_it_had(tmp_path: Path) -> None:
    project = Project(root=tmp_path)
    assert last_port(project) is None
    (tmp_path / ".headrace").mkdir()
    kept = '{"stage": "local", "url": "http://127.0.0.1:4601", "token": "hr_x"}'
    (tmp_path / ".headrace" / "local.json").write_text(kept)
    assert last_port(project) == 4601
