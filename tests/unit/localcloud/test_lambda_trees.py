"""The same zip is unpacked once, however many workers run from it."""

import shutil
import zipfile
from pathlib import Path

import pytest

from localcloud.mends.lambda_trees import Trees, _ZipfileOfWorkers


@pytest.fixture
def trees(tmp_path: Path) -> Trees:
    return Trees(tmp_path / "code")


def worker(tmp_path: Path, trees: Trees, name: str, text: str) -> Path:
    """Do what MiniStack does for a new worker; return where its code is."""
    folder = tmp_path / f"ministack-lambda-{name}"
    (folder / "code").mkdir(parents=True)
    with zipfile.ZipFile(folder / "code.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo("app.py"), text)
    with _ZipfileOfWorkers(trees).ZipFile(str(folder / "code.zip")) as archive:
        archive.extractall(str(folder / "code"))
    return folder / "code"


def test_workers_of_one_zip_run_from_one_tree(tmp_path: Path, trees: Trees) -> None:
    first, second = (worker(tmp_path, trees, name, "one") for name in ("a", "b"))
    assert first.resolve() == second.resolve()
    assert (second / "app.py").read_text() == "one"
    assert not (second.parent / "code.zip").exists()


def test_another_zip_is_another_tree(tmp_path: Path, trees: Trees) -> None:
    first, second = (worker(tmp_path, trees, name, name) for name in ("a", "b"))
    assert ((first / "app.py").read_text(), (second / "app.py").read_text()) == ("a", "b")


def test_a_worker_that_ends_takes_the_tree_from_nobody(tmp_path: Path, trees: Trees) -> None:
    first, second = (worker(tmp_path, trees, name, "one") for name in ("a", "b"))
    shutil.rmtree(first.parent)
    assert (second / "app.py").read_text() == "one"


def test_the_tree_of_an_earlier_deployment_goes_once_nobody_runs_from_it(
    tmp_path: Path, trees: Trees
) -> None:
    earlier = worker(tmp_path, trees, "a", "one")
    worker(tmp_path, trees, "b", "two")
    assert len(list((tmp_path / "code").iterdir())) == 2
    shutil.rmtree(earlier.parent)
    worker(tmp_path, trees, "c", "three")
    kept = {(tree / "app.py").read_text() for tree in (tmp_path / "code").iterdir()}
    assert kept == {"two", "three"}


def test_what_is_no_zip_is_refused_and_leaves_no_tree(tmp_path: Path, trees: Trees) -> None:
    (tmp_path / "code.zip").write_bytes(b"no zip")
    with pytest.raises(zipfile.BadZipFile):
        _ZipfileOfWorkers(trees).ZipFile(str(tmp_path / "code.zip"))
    assert not (tmp_path / "code").exists()


def test_a_layer_is_unpacked_as_ever(tmp_path: Path, trees: Trees) -> None:
    with zipfile.ZipFile(tmp_path / "layer_0.zip", "w") as archive:
        archive.writestr("python/lib.py", "lib")
    with _ZipfileOfWorkers(trees).ZipFile(str(tmp_path / "layer_0.zip")) as archive:
        archive.extractall(str(tmp_path / "layer"))
    assert (tmp_path / "layer" / "python" / "lib.py").read_text() == "lib"
