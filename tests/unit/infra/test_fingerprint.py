from pathlib import Path

import pytest

from infra.fingerprint import digest_of
from infra.services import fingerprint


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "ingest_service"
    shared = tmp_path / "shared"
    for path in (shared, folder / "chalicelib" / "ingest", folder / "vendor", folder / ".chalice"):
        path.mkdir(parents=True)
    (shared / "errors.py").write_text("ERRORS = 1\n")
    (folder / "vendor" / "shared").symlink_to("../../shared")
    (folder / "app.py").write_text("app = 1\n")
    (folder / "requirements.txt").write_text("msgspec==0.22.0\n")
    (folder / "chalicelib" / "ingest" / "workflow.py").write_text("pass\n")
    (folder / ".chalice" / "config.json").write_text("{}")
    return folder


@pytest.mark.parametrize(
    "changed",
    [
        "app.py",
        "requirements.txt",
        "chalicelib/ingest/workflow.py",
        "vendor/shared/errors.py",
        ".chalice/config.json",
    ],
)
def test_a_change_of_anything_deployed_is_noticed(tree: Path, changed: str) -> None:
    before = fingerprint(tree)
    (tree / changed).write_text("something else")
    assert fingerprint(tree) != before


def test_a_new_policy_and_a_rename_are_noticed(tree: Path) -> None:
    marks = [fingerprint(tree)]
    (tree / ".chalice" / "policy-bearer.json").write_text("{}")
    marks.append(fingerprint(tree))
    (tree / "chalicelib" / "ingest" / "workflow.py").rename(tree / "chalicelib" / "ingest" / "story.py")
    marks.append(fingerprint(tree))
    assert len(set(marks)) == 3


def test_byte_code_readmes_and_records_are_not_noticed(tree: Path) -> None:
    before = fingerprint(tree)
    for name in ("chalicelib/ingest/__pycache__", ".chalice/deployed"):
        (tree / name).mkdir()
    (tree / "chalicelib" / "ingest" / "__pycache__" / "workflow.cpython-312.pyc").write_bytes(b"x")
    (tree / ".chalice" / "deployed" / "local.json").write_text("{}")
    (tree / "README.md").write_text("text")
    assert fingerprint(tree) == before


def test_bytes_cannot_move_between_files_unnoticed(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder, first, second in ((one, "ab", "c"), (two, "a", "bc")):
        folder.mkdir()
        (folder / "x").write_text(first)
        (folder / "y").write_text(second)
    assert digest_of(one / "x", one / "y") != digest_of(two / "x", two / "y")
