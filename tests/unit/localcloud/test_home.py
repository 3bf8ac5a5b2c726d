"""The folder of a local cloud, and who owns it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from localcloud import control
from localcloud.doctor import disk_space, image_environments, predecessor, python_version
from localcloud.errors import AlreadyRunning
from localcloud.home import Home, Record
from localcloud.processes import is_same_process, start_ticks


@pytest.fixture
def home(tmp_path: Path) -> Home:
    place = Home(root=tmp_path / "home")
    place.create()
    return place


def record(pid: int, ticks: int) -> Record:
    return Record(
        pid=pid,
        port=4577,
        url="http://127.0.0.1:4577",
        started_at="2026-01-01T00:00:00+00:00",
        start_ticks=ticks,
    )


def test_a_record_is_read_as_written(home: Home) -> None:
    home.write_record(record(1, 2))
    assert home.read_record() == record(1, 2)


def test_a_broken_record_counts_as_none(home: Home) -> None:
    home.record_file.write_text("{")
    assert home.read_record() is None


def test_the_folder_has_one_owner_at_a_time(home: Home) -> None:
    with home.lock(), pytest.raises(AlreadyRunning, match="stop that one first"):
        home.lock()
    home.lock().close()


def test_a_killed_predecessor_is_reported_and_its_temporary_files_go(home: Home) -> None:
    home.write_record(record(1, 2))
    (home.tmp / "worker").mkdir()
    assert home.clear_predecessor() == record(1, 2)
    assert home.clear_predecessor() is None
    assert list(home.tmp.iterdir()) == []


def test_wiping_removes_only_what_the_cloud_owns(home: Home) -> None:
    (home.root / "token").write_text("mine")
    home.write_record(record(1, 2))
    home.wipe()
    assert [path.name for path in home.root.iterdir()] == ["token"]


def test_wiping_an_otherwise_empty_folder_removes_it(home: Home) -> None:
    home.wipe()
    assert not home.root.exists()


def test_a_process_is_recognised_by_its_start_too() -> None:
    ticks = start_ticks(os.getpid())
    assert ticks is not None
    assert is_same_process(os.getpid(), ticks)
    assert not is_same_process(os.getpid(), ticks + 1)


def test_an_ended_process_that_nobody_reaped_counts_as_gone() -> None:
    with subprocess.Popen(["true"]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert start_ticks(child.pid) is None


def test_a_stranger_with_a_recycled_process_id_is_never_stopped(home: Home) -> None:
    ticks = start_ticks(os.getpid())
    assert ticks is not None
    home.write_record(record(os.getpid(), ticks - 1))
    assert control.status(home.root) is None
    assert control.stop(home.root) is False


@pytest.mark.parametrize(("found", "ok"), [((3, 12), True), ((3, 11), False), ((3, 13), False)])
def test_doctor_wants_the_python_of_the_runtimes(found: tuple[int, int], ok: bool) -> None:
    finding = python_version(found)
    assert finding.ok is ok
    assert bool(finding.remedy) is not ok


def test_doctor_tells_a_killed_predecessor(home: Home) -> None:
    assert "gracefully" in predecessor(home).sentence
    home.write_record(record(2**22 + 1, 1))
    assert "was killed" in predecessor(home).sentence


def test_doctor_looks_at_the_disk_of_a_folder_that_does_not_exist_yet(tmp_path: Path) -> None:
    assert str(tmp_path) in disk_space(Home(root=tmp_path / "a" / "b")).sentence


def test_doctor_says_that_a_disk_is_full_and_how_much_to_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=200 * 1024**2))
    found = disk_space(Home(root=tmp_path))
    assert not found.ok
    assert "0.2 GiB are free" in found.sentence
    assert found.remedy
    assert found.remedy.startswith("Free ")


def test_doctor_names_the_images(tmp_path: Path) -> None:
    assert not image_environments(tmp_path).ok
    python = tmp_path / "sagemaker-scikit-learn-1.9-0" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    assert image_environments(tmp_path).sentence == "SageMaker images: sagemaker-scikit-learn-1.9-0."
