"""A zip is in memory once, however many functions were deployed with it."""

import base64
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ministack.services import lambda_svc

from localcloud.mends import lambda_code

MENDED = ("_create_function", "_update_code", "_write_code_blob")
ROLE = "arn:aws:iam::000000000000:role/any"


@pytest.fixture(autouse=True)
def mended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Mend MiniStack for one test, and leave no function in it."""
    for name in MENDED:
        monkeypatch.setattr(lambda_svc, name, getattr(lambda_svc, name))
    monkeypatch.setattr(lambda_svc, "CODE_BLOB_DIR", str(tmp_path))
    settings: Any = None
    lambda_code.mend(settings)
    yield
    lambda_svc._functions.clear()


def packed(text: str) -> str:
    """Return a zip as a request carries it; each time the same bytes, never the same object."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo("app.py"), text)
    return base64.b64encode(out.getvalue()).decode()


def create(name: str, text: str) -> None:
    code = {"ZipFile": packed(text)}
    request = {
        "FunctionName": name,
        "Runtime": "python3.12",
        "Role": ROLE,
        "Handler": "app.main",
        "Code": code,
    }
    assert lambda_svc._create_function(request)[0] == 201


def zip_of(name: str) -> bytes:
    code: bytes = lambda_svc._functions[name]["code_zip"]
    return code


def test_functions_created_with_the_same_zip_share_it_and_others_do_not() -> None:
    create("first", "one")
    create("second", "one")
    create("third", "another")
    assert zip_of("second") is zip_of("first")
    assert zip_of("third") != zip_of("first")


def test_a_function_updated_to_the_zip_of_another_shares_it_from_then_on() -> None:
    create("first", "new")
    create("second", "old")
    assert lambda_svc._update_code("second", {"ZipFile": packed("new")})[0] == 200
    assert zip_of("second") is zip_of("first")


def test_a_zip_is_hashed_for_the_first_snapshot_only_and_again_when_its_file_is_gone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    create("first", "one")
    hashed: list[bytes] = []
    sha256 = lambda_svc.hashlib.sha256

    def counted(data: bytes) -> Any:
        hashed.append(data)
        return sha256(data)

    monkeypatch.setattr(lambda_svc.hashlib, "sha256", counted)
    lambda_svc.get_state()
    (blob,) = tmp_path.glob("*.zip")
    lambda_svc.get_state()
    assert len(hashed) == 1
    blob.unlink()
    lambda_svc.get_state()
    assert blob.read_bytes() == zip_of("first")
    assert len(hashed) == 2
