"""What `headrace up` says when the local cloud before was killed."""

from pathlib import Path

import pytest

from headrace.failures import Failure
from headrace.operate.commands.up import saying_what_was_lost
from headrace.operate.project import Project
from infra.errors import StackFailed
from localcloud.home import Home, Record


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(root=tmp_path)


def test_a_deployment_that_fails_after_a_kill_names_the_process_and_the_way_out(project: Project) -> None:
    home = Home(root=project.home)
    home.create()
    # No process has this id: Linux gives none above 2**22.
    dead = 2**22 + 1
    home.write_record(Record(pid=dead, port=1, url="http://127.0.0.1:1", started_at="", start_ticks=1))
    said = f"already exists.*process {dead}.*headrace reset"
    with pytest.raises(Failure, match=said) as told, saying_what_was_lost(project):
        raise StackFailed("the bucket already exists.")
    assert "\n" not in told.value.message


def test_a_deployment_that_fails_without_a_kill_blames_nobody(project: Project) -> None:
    with pytest.raises(Failure) as told, saying_what_was_lost(project):
        raise StackFailed("the bucket already exists.")
    assert told.value.message == "the bucket already exists."
