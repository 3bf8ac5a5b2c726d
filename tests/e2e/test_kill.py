"""A killed local cloud leaves nothing behind, and the next start works."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Pipelines
from tests.e2e.data import deliveries
from tests.stage import Stage, eventually, make_stage


@pytest.fixture
def own_stage(tmp_path: Path) -> Iterator[Stage]:
    """A stage of its own, because the test kills it."""
    deployed = make_stage(tmp_path)
    try:
        deployed.up()
        yield deployed
    finally:
        deployed.down()


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of the processes that run in *folder* or were started with it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            environment = (process / "environ").read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        if process.name != str(os.getpid()) and str(folder) in command + environment:
            found.append(f"{process.name}: {command}")
    return found


def test_kill_9_leaves_no_process_and_the_next_up_serves_again(own_stage: Stage) -> None:
    pipelines = Pipelines(own_stage)
    name = pipelines.create("killed")
    own_stage.put_object(name, "january.csv", deliveries(21))
    pipelines.live(name, "v1")
    running = processes_of(own_stage.root)
    assert any("gunicorn" in command or "serve" in command for command in running), running
    pid = json.loads((own_stage.root / ".headrace" / "cloud.json").read_text(encoding="utf-8"))["pid"]
    os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: processes_of(own_stage.root) == [], within_s=10)
    diagnosed = own_stage.headrace("doctor")
    assert "killed" in diagnosed.stdout + diagnosed.stderr
    own_stage.up()
    assert own_stage.request("GET", "/v1/health")[0] == 200
