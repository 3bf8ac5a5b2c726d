"""Save the state while the cloud runs, so that a killed server loses seconds and not everything.

Each service has a file of its own, replaced in one step. A server killed in the 20 ms between the first
and the last file leaves services of two moments; `headrace up` then says what to do.
"""

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ministack import app as ministack_app
from ministack.core import persistence
from ministack.services import lambda_svc

from localcloud.calls import Calls
from localcloud.mends.patch_points import require

MEND = "snapshots"
_LOOK_EVERY_S = 0.5
_log = logging.getLogger("localcloud.snapshots")


def require_patch_points() -> None:
    """Make sure that MiniStack saves as expected."""
    wrapped = '{"__ministack_format__": _state_format_version(service), "payload": data}'
    require(MEND, persistence, "save_state", wrapped, "f, default=_json_default", 'f"{service}.json"')
    require(MEND, ministack_app, "_build_persistence_save_dict", "save_dict[key] = mod.get_state")
    require(MEND, lambda_svc, "get_state", "_prune_orphan_code_blobs(referenced)")


async def keep_saving(calls: Calls, save_ours: Callable[[], None], stop: asyncio.Event) -> None:
    """Save whenever it is due, until told to stop; never ends amid a snapshot.

    `save_ours` writes what MiniStack knows nothing of.
    """
    # One line for each of 50 services at each snapshot; errors still come through.
    logging.getLogger("persistence").setLevel(logging.WARNING)
    files = StateFiles()
    while not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _LOOK_EVERY_S)
        if calls.is_due() and not stop.is_set():
            # First: what arrives while the files are written counts for the next snapshot.
            calls.saved()
            if not await _save(files, save_ours):
                calls.failed()


async def _save(files: "StateFiles", save_ours: Callable[[], None]) -> bool:
    try:
        # Read without a pause on the loop that serves MiniStack's calls: no call comes between two services.
        # For a deployed stage this takes about 10 ms, and writing it as long again (measured).
        states = _read_states()
        save_ours()
        await asyncio.to_thread(files.write, states)
    except Exception:  # noqa: BLE001 - the supervisor of all services; the expected reason is a thread of Lambda
        # that changes a dictionary under the copy. The files written last still stand.
        _log.exception("this snapshot failed; the one before it stays")
        return False
    return True


def _read_states() -> dict[str, Any]:
    """Return a copy of every service's state."""
    prune = lambda_svc._prune_orphan_code_blobs
    # Reading Lambda's state also deletes code that only the file on disk still names: killed before that
    # file is replaced, the server would come back with functions without code. The graceful stop prunes.
    lambda_svc._prune_orphan_code_blobs = lambda referenced: None
    try:
        return {name: read() for name, read in ministack_app._build_persistence_save_dict().items()}
    finally:
        lambda_svc._prune_orphan_code_blobs = prune


class StateFiles:
    """The files MiniStack loads at its start; only what has changed since it was written is written again.

    Each minute of a stage that nobody uses changes logs, metrics and rows, and not the forty other services. MiniStack's own way
    to write goes through Python for every value and takes five times as long (measured).
    """

    def __init__(self) -> None:
        self._digests: dict[str, bytes] = {}

    def write(self, states: dict[str, Any]) -> None:
        """Write the states by the name of their service."""
        folder = Path(persistence.STATE_DIR)
        folder.mkdir(parents=True, exist_ok=True)
        for name, state in states.items():
            # None: a module that could not be imported, whose last state must stay.
            if state is None:
                continue
            try:
                text = _text_of(name, state)
            except (TypeError, ValueError):
                # As MiniStack does: what one service holds keeps no other from its file.
                _log.exception("the state of %s cannot be written; its last file stays", name)
            else:
                self._write(folder / f"{name}.json", text)

    def _write(self, file: Path, text: bytes) -> None:
        digest = hashlib.sha256(text).digest()
        if self._digests.get(file.name) == digest and file.exists():
            return
        begun = file.with_suffix(".json.tmp")
        begun.write_bytes(text)
        begun.replace(file)
        self._digests[file.name] = digest


def _text_of(service: str, state: Any) -> bytes:
    """Return what MiniStack's `load_state` reads."""
    wrapped = {"__ministack_format__": persistence._state_format_version(service), "payload": state}
    return json.dumps(wrapped, default=persistence._json_default).encode()
