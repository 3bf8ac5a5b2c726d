"""A zip is unpacked once, however many workers run its code."""

import shutil
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ministack.core import lambda_runtime

from localcloud.mends import lambda_unpacking


@pytest.fixture(autouse=True)
def mended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Mend MiniStack for one test."""
    monkeypatch.setattr(lambda_runtime, "zipfile", lambda_runtime.zipfile)
    settings: Any = SimpleNamespace(home=SimpleNamespace(tmp=tmp_path))
    lambda_unpacking.mend(settings)


def start_worker(tmp_path: Path, name: str, text: str, archive: str = "code.zip") -> Path:
    """Do what MiniStack does when it starts a worker; return its module."""
    worker = tmp_path / name
    (worker / "code").mkdir(parents=True)
    with zipfile.ZipFile(worker / archive, "w") as new:
        new.writestr(zipfile.ZipInfo("package/app.py"), text)
    with lambda_runtime.zipfile.ZipFile(str(worker / archive)) as code:
        code.extractall(str(worker / "code"))
    return worker / "code" / "package" / "app.py"


def test_workers_of_one_zip_share_its_files_and_cannot_write_them(tmp_path: Path) -> None:
    first, second = (start_worker(tmp_path, name, "one") for name in ("first", "second"))
    assert first.samefile(second)
    assert first.read_text(encoding="utf-8") == "one"
    assert first.stat().st_mode & 0o222 == 0
    assert not (tmp_path / "first" / "code.zip").exists()


def test_another_zip_has_files_of_its_own(tmp_path: Path) -> None:
    first, second = start_worker(tmp_path, "first", "one"), start_worker(tmp_path, "second", "two")
    assert (first.read_text(encoding="utf-8"), second.read_text(encoding="utf-8")) == ("one", "two")


def test_what_no_worker_uses_goes_when_another_zip_comes(tmp_path: Path) -> None:
    kept = start_worker(tmp_path, "kept", "one")
    start_worker(tmp_path, "ended", "two")
    shutil.rmtree(tmp_path / "ended")
    start_worker(tmp_path, "new", "three")
    trees = list((tmp_path / "unpacked").glob("*/package/app.py"))
    assert sorted(tree.read_text(encoding="utf-8") for tree in trees) == ["one", "three"]
    assert start_worker(tmp_path, "again", "one").samefile(kept)


def test_what_is_not_a_functions_code_is_unpacked_as_ever(tmp_path: Path) -> None:
    first, second = (start_worker(tmp_path, name, "one", "layer.zip") for name in ("first", "second"))
    assert not first.samefile(second)
    assert (tmp_path / "first" / "layer.zip").exists()
