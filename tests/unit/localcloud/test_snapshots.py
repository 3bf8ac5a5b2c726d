"""What is written of a running cloud's state, and that MiniStack reads it back as it was."""

import copy
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ministack import app as ministack_app
from ministack.core import persistence
from ministack.core.responses import AccountRegionScopedDict

from localcloud import snapshots


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(persistence, "STATE_DIR", str(tmp_path))
    monkeypatch.setattr(persistence, "PERSIST_STATE", True)
    return tmp_path


def scoped(rows: dict[str, Any]) -> AccountRegionScopedDict:
    tables = AccountRegionScopedDict()
    for name, row in rows.items():
        tables.set_scoped("000000000000", "eu-west-1", name, row)
    return tables


def test_ministack_reads_back_what_was_written(folder: Path) -> None:
    state = {"tables": scoped({"jobs": {"raw": b"\x00\xff", "text": "é"}}), "empty": {}}
    snapshots._Files(folder).write({"dynamodb": state})
    loaded = persistence.load_state("dynamodb")
    assert loaded is not None
    assert list(loaded["tables"].all_items()) == list(state["tables"].all_items())
    assert loaded["empty"] == {}


def test_ministack_itself_writes_the_same(folder: Path) -> None:
    state = {"tables": scoped({"jobs": {"raw": b"\x00", "text": "é", "number": 0.1}})}
    persistence.save_state("theirs", state)
    snapshots._Files(folder).write({"ours": state})
    assert (folder / "ours.json").read_bytes() == (folder / "theirs.json").read_bytes()


def test_only_what_changed_is_written_again(folder: Path) -> None:
    files = snapshots._Files(folder)
    files.write({"iam": {"roles": 1}, "logs": {"lines": 1}})
    for name in ("iam", "logs"):
        os.utime(folder / f"{name}.json", ns=(1, 1))
    files.write({"iam": {"roles": 1}, "logs": {"lines": 2}})
    assert (folder / "iam.json").stat().st_mtime_ns == 1
    assert (folder / "logs.json").read_text() != ""
    assert persistence.load_state("logs") == {"lines": 2}


def test_the_last_state_of_a_service_that_told_none_stays(folder: Path) -> None:
    files = snapshots._Files(folder)
    files.write({"iam": {"roles": 1}})
    files.write({"iam": None})
    assert persistence.load_state("iam") == {"roles": 1}


@pytest.mark.parametrize("odd", [threading.Lock, lambda: lambda: None], ids=["a lock", "a local function"])
def test_a_state_that_pickle_refuses_is_copied_as_ever(
    odd: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {"rows": [1], "odd": Uncopied(odd())}

    def read() -> Any:
        return copy.deepcopy(kept)

    monkeypatch.setattr(ministack_app, "_build_persistence_save_dict", lambda: {"service": read})
    copied = snapshots._read_states()["service"]
    assert copied == kept
    assert copied["rows"] is not kept["rows"]


def test_the_zips_of_functions_are_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {"code": bytes(1000), "tags": ["one"]}

    def read() -> Any:
        return copy.deepcopy(kept)

    monkeypatch.setattr(ministack_app, "_build_persistence_save_dict", lambda: {"lambda": read})
    copied = snapshots._read_states()["lambda"]
    assert copied["code"] is kept["code"]
    assert copied["tags"] is not kept["tags"]


class Uncopied:
    """Holds what neither pickle nor a copy takes, and copies itself by sharing it."""

    def __init__(self, odd: Any) -> None:
        self.odd = odd

    def __deepcopy__(self, memo: Any) -> "Uncopied":
        return self
