"""Remove a stage, told first: the door → what runs → (asked for) what it kept → proof that nothing is left.

Every kind looks for what is there now, by name, so that a removal that broke off is simply run again. Without the
data the foundation stays: it costs a few dollars a month, and the next `deploy` goes on with everything in it.
"""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from infra.calls import send
from infra.deploy import Step
from infra.records import deployed_file
from infra.removal.kinds import Found, Kind
from infra.removal.table import KINDS, inventory
from infra.removal.tagged import find_tagged
from infra.services import SERVICES, build_of, folder_of
from infra.stage import Stage

# The tagging API shows what is gone for some time after; names are looked up where the things are.
TAGS_SETTLE_S = 120.0
_NAMED = 3

OnStep = Callable[[Step], None]


class Removal(msgspec.Struct, frozen=True, kw_only=True):
    """What a removal came to: how many things went, what was kept on purpose, and what should not be there any more."""

    removed: int
    kept: list[Found]
    left: list[Found]


def destroy(stage: Stage, *, root: Path, with_data: bool, on_step: OnStep) -> Removal:
    """Remove the stage, with its data only if asked to, and look afterwards at what is left.

    Raises
    ------
    DestroyFailed, StackFailed
        Something would not go; run it again, it goes on from there.
    """
    kinds = [kind for kind in KINDS if with_data or not kind.is_data]
    removed = sum(_remove_all(stage, kind, on_step) for kind in kinds)
    _forget(stage, root, with_data)
    found = inventory(stage)
    if with_data:
        tagged = [Found(kind="tagged", name=arn) for arn in _still_tagged(stage)]
        return Removal(removed=removed, kept=[], left=found + tagged)
    kept, left = (_those(found, is_data=is_data) for is_data in (True, False))
    return Removal(removed=removed, kept=kept, left=left)


def _those(found: list[Found], *, is_data: bool) -> list[Found]:
    return [one for one in found if one.is_data == is_data]


def _remove_all(stage: Stage, kind: Kind, on_step: OnStep) -> int:
    began = time.monotonic()
    names = kind.find(stage)
    for name in names:
        send(stage, kind.remove(stage, name))
    if names:
        seconds = time.monotonic() - began
        on_step(Step(name=kind.name, detail=_told(names), seconds=seconds, changed=True))
    return len(names)


def _told(names: list[str]) -> str:
    shown = ", ".join(name.rpartition("/")[2] for name in names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{len(names)}: {shown}, …"


def _still_tagged(stage: Stage) -> list[str]:
    deadline = time.monotonic() + TAGS_SETTLE_S
    while (tagged := find_tagged(stage)) and time.monotonic() < deadline:
        time.sleep(5.0)
    return tagged


def _forget(stage: Stage, root: Path, with_data: bool) -> None:
    """Remove what this checkout knows of the stage; the token only when its row is gone too."""
    for service in SERVICES:
        deployed_file(folder_of(root, service), stage).unlink(missing_ok=True)
    shutil.rmtree(build_of(root, stage, SERVICES[0]).parent, ignore_errors=True)
    if with_data:
        (root / ".headrace" / f"{stage.name}.json").unlink(missing_ok=True)
