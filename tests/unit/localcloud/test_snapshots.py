"""What is written is what MiniStack loads, and nothing is written twice."""

import os
from pathlib import Path
from typing import Any

import pytest
from ministack.core import persistence
from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict

from localcloud import snapshots

OLD = 1_000_000_000


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder MiniStack loads its state from."""
    monkeypatch.setattr(persistence, "STATE_DIR", str(tmp_path))
    monkeypatch.setattr(persistence, "PERSIST_STATE", True)
    return tmp_path


def state(value: str = "v") -> dict[str, Any]:
    """Return a state of every kind that MiniStack's services have."""
    regional, global_ = AccountRegionScopedDict(), AccountScopedDict()
    regional._data["000000000000", "us-east-1", ("a", 1)] = {"value": value}
    global_._data["000000000000", "name"] = [1.5, None, True]
    return {"regional": regional, "global": global_, "body": b"\x00\xff", "text": "ü"}


def test_ministack_loads_what_was_written(folder: Path) -> None:
    snapshots.StateFiles().write({"kms": state(), "s3": {"n": 1}, "absent": None})
    assert sorted(path.name for path in folder.iterdir()) == ["kms.json", "s3.json"]
    loaded = persistence.load_state("kms")
    assert loaded is not None
    assert loaded["regional"]._data == state()["regional"]._data
    assert loaded["global"]._data == state()["global"]._data
    assert (loaded["body"], loaded["text"]) == (b"\x00\xff", "ü")


def test_only_what_changed_is_written_again(folder: Path) -> None:
    files = snapshots.StateFiles()
    files.write({"kms": state(), "s3": {"n": 1}})
    for name in ("kms.json", "s3.json"):
        os.utime(folder / name, (OLD, OLD))
    files.write({"kms": state("new"), "s3": {"n": 1}})
    assert (folder / "s3.json").stat().st_mtime == OLD
    assert (folder / "kms.json").stat().st_mtime > OLD
    assert (persistence.load_state("kms") or {})["regional"]._data == state("new")["regional"]._data


def test_a_file_that_somebody_removed_is_written_though_nothing_changed(folder: Path) -> None:
    files = snapshots.StateFiles()
    files.write({"s3": {"n": 1}})
    (folder / "s3.json").unlink()
    files.write({"s3": {"n": 1}})
    assert persistence.load_state("s3") == {"n": 1}


def test_what_cannot_be_written_keeps_no_other_service_from_its_file(folder: Path) -> None:
    files = snapshots.StateFiles()
    files.write({"kms": {"n": 1}, "s3": {"n": 1}})
    files.write({"kms": {"n": object()}, "s3": {"n": 2}})
    assert (persistence.load_state("kms"), persistence.load_state("s3")) == ({"n": 1}, {"n": 2})
