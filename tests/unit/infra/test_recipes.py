"""What the recipe tarball promises: the same bytes for the same sources, and nothing that is not pinned."""

import hashlib
import os
import tarfile
from pathlib import Path

import pytest

from infra import recipes
from infra.errors import DeployError
from infra.recipes import RecipeBuildError, build_tarball, pack, vendor_with_uv


def _install(pins: Path, target: Path) -> None:
    """Lay down what an installer leaves, with the noise that differs from machine to machine."""
    for name, content in {
        "skops/__init__.py": "pinned",
        "skops/__pycache__/__init__.cpython-312.pyc": str(target),
        "skops/tests/test_io.py": "not needed",
        "skops-1.dist-info/METADATA": "Name: skops",
        "skops-1.dist-info/RECORD": str(target),
        "bin/skops": f"#!{target}/python",
        ".lock": "",
    }.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text(content)


def _refuse(pins: Path, target: Path) -> None:
    pytest.fail("the cache should have answered")


@pytest.fixture
def family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe family of its own, beside pins of its own."""
    folder = tmp_path / "recipes" / "tiny"
    folder.mkdir(parents=True)
    (folder / "train.py").write_text("print('trained')\n")
    pins = tmp_path / "pins.txt"
    pins.write_text("skops==1 --hash=sha256:00\n")
    monkeypatch.setattr(recipes, "RECIPES", tmp_path / "recipes")
    monkeypatch.setattr(recipes, "PINS", pins)
    return folder


def test_two_machines_build_the_same_bytes(family: Path, tmp_path: Path) -> None:
    first = build_tarball("tiny", cache=tmp_path / "a", install=_install)
    os.utime(family / "train.py", (0, 1_000_000_000))
    second = build_tarball("tiny", cache=tmp_path / "b", install=_install)
    assert first.sha256 == second.sha256 == hashlib.sha256(first.path.read_bytes()).hexdigest()


def test_the_entry_script_is_at_the_root_and_no_installers_noise_comes_along(
    family: Path, tmp_path: Path
) -> None:
    built = build_tarball("tiny", cache=tmp_path, install=_install)
    with tarfile.open(built.path) as archive:
        members = archive.getmembers()
    assert [m.name for m in members] == ["skops-1.dist-info/METADATA", "skops/__init__.py", "train.py"]
    assert {(m.mtime, m.uid, m.gid, m.uname, m.mode) for m in members} == {(0, 0, 0, "", 0o644)}


def test_a_second_build_comes_from_the_cache(family: Path, tmp_path: Path) -> None:
    first = build_tarball("tiny", cache=tmp_path, install=_install)
    assert build_tarball("tiny", cache=tmp_path, install=_refuse) == first


@pytest.mark.parametrize("changed", ["source", "pins"])
def test_a_changed_source_or_pin_is_built_anew(family: Path, tmp_path: Path, changed: str) -> None:
    first = build_tarball("tiny", cache=tmp_path, install=_install)
    path = family / "train.py" if changed == "source" else recipes.PINS
    path.write_text(path.read_text() + "# changed\n")
    assert build_tarball("tiny", cache=tmp_path, install=_install).path != first.path


def test_bytecode_beside_the_sources_changes_nothing(family: Path, tmp_path: Path) -> None:
    first = build_tarball("tiny", cache=tmp_path, install=_install)
    (family / "__pycache__").mkdir()
    (family / "__pycache__" / "train.cpython-312.pyc").write_bytes(b"bytecode")
    assert build_tarball("tiny", cache=tmp_path, install=_refuse) == first


def test_an_unknown_family_is_refused_with_the_names_there_are(family: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeBuildError, match="no recipe family 'tinny'; there are tiny"):
        build_tarball("tinny", cache=tmp_path, install=_install)


def test_a_failed_install_leaves_nothing_in_the_cache(family: Path, tmp_path: Path) -> None:
    def fail(pins: Path, target: Path) -> None:
        raise RecipeBuildError("hash mismatch")

    with pytest.raises(RecipeBuildError):
        build_tarball("tiny", cache=tmp_path / "cache", install=fail)
    assert not (tmp_path / "cache").exists()


def test_the_pins_name_a_hash_for_every_package() -> None:
    pins = recipes.PINS.read_text().replace("\\\n", " ").splitlines()
    assert pins
    assert all("==" in line and "--hash=sha256:" in line for line in pins if line.strip())


def test_packing_does_not_depend_on_the_order_files_were_found() -> None:
    files = {"b.py": b"2", "a.py": b"1"}
    assert pack(files) == pack(dict(reversed(files.items())))


def test_a_failed_build_is_a_deployments_error_in_one_line(tmp_path: Path) -> None:
    pins = tmp_path / "recipes.txt"
    pins.write_text("no requirement at all ===\n", encoding="utf-8")
    with pytest.raises(DeployError, match=r"recipes\.txt could not be vendored: error") as caught:
        vendor_with_uv(pins, tmp_path / "target")
    assert "\n" not in str(caught.value)
