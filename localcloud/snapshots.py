"""Save the state while the cloud runs, so that a killed server loses seconds and not everything.

Each service has a file of its own, replaced in one step. A server killed in the 20 ms between the first
and the last file leaves services of two moments; `headrace up` then says what to do.
"""

import asyncio
import copy
import json
import logging
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ministack import app as ministack_app
from ministack.core import persistence
from ministack.services import lambda_svc

from localcloud.calls import Calls
from localcloud.mends.patch_points import require

MEND = "snapshots"
_LOOK_EVERY_S = 0.5
# Its zips would be copied, some 40 MB a function, and hashed as zips never seen; a deep copy shares them.
_WITH_FILES = "lambda"
_log = logging.getLogger("localcloud.snapshots")


def require_patch_points() -> None:
    """Make sure that MiniStack saves as expected."""
    require(
        MEND,
        persistence,
        "save_state",
        '{"__ministack_format__": _state_format_version(service), "payload": data}',
    )
    require(MEND, persistence, "load_state", 'f"{service}.json"')
    require(MEND, persistence, "_json_default", "AccountRegionScopedDict")
    require(MEND, ministack_app, "_build_persistence_save_dict", "save_dict[key] = mod.get_state")
    require(MEND, lambda_svc, "get_state", "_prune_orphan_code_blobs(referenced)")


async def keep_saving(calls: Calls, save_ours: Callable[[], None], stop: asyncio.Event) -> None:
    """Save whenever it is due, until told to stop; never ends amid a snapshot.

    `save_ours` writes what MiniStack knows nothing of.
    """
    # One line for each of 50 services at each snapshot; errors still come through.
    logging.getLogger("persistence").setLevel(logging.WARNING)
    files = _Files(Path(persistence.STATE_DIR))
    while not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _LOOK_EVERY_S)
        if calls.is_due() and not stop.is_set():
            # First: what arrives while the files are written counts for the next snapshot.
            with calls.saving():
                is_saved = await _save(files, save_ours)
            if not is_saved:
                calls.failed()


async def _save(files: "_Files", save_ours: Callable[[], None]) -> bool:
    try:
        # Read without a pause on the loop that serves MiniStack's calls: no call comes between two services.
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
        readers = ministack_app._build_persistence_save_dict()
        states = {name: read() for name, read in readers.items() if name == _WITH_FILES}
        with _quick_copies():
            return states | {name: read() for name, read in readers.items() if name != _WITH_FILES}
    finally:
        lambda_svc._prune_orphan_code_blobs = prune


@contextmanager
def _quick_copies() -> Iterator[None]:
    """Let `copy.deepcopy` go through pickle: of the same plain data half the time (84 ms for 189, for 4.6 MB of state)."""
    deepcopy = copy.deepcopy

    def through_pickle(value: Any) -> Any:
        try:
            return pickle.loads(pickle.dumps(value, pickle.HIGHEST_PROTOCOL))  # noqa: S301 - our own, just made
        except (pickle.PicklingError, TypeError, AttributeError):
            # A lock, or a class that is known nowhere.
            return deepcopy(value)

    setattr(copy, "deepcopy", through_pickle)  # noqa: B010 - mypy knows no assignment to a function
    try:
        yield
    finally:
        setattr(copy, "deepcopy", deepcopy)  # noqa: B010


class _Files:
    """The files that MiniStack reads at its start, of which only those that changed are written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written: dict[str, int] = {}

    def write(self, states: dict[str, Any]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        for name, state in states.items():
            # None: a module that could not be imported, whose last state must stay.
            if state is not None:
                self._write(name, self._told(name, state))

    def _told(self, name: str, state: Any) -> str:
        # MiniStack's own `json.dump` to a file is the encoder in Python: 227 ms for 44.
        format_version = persistence._state_format_version(name)
        return json.dumps(
            {"__ministack_format__": format_version, "payload": state}, default=persistence._json_default
        )

    def _write(self, name: str, text: str) -> None:
        path = self._folder / f"{name}.json"
        if self._written.get(name) == hash(text) and path.exists():
            return
        beside = path.with_suffix(".json.tmp")
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
        self._written[name] = hash(text)
