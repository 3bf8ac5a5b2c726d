"""What a process and all it has started hold, as the kernel counts it: memory, open files, processor time."""

import os
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec

_PROC = Path("/proc")
_TICKS_A_S = os.sysconf("SC_CLK_TCK")
_PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)
_MB = 1024


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What one process holds.

    Attributes
    ----------
    pss_mb
        Proportional set size: what forks share is counted once over all of them.
    cpu_s
        User and system time since its start, with that of its children that ended.
    """

    pid: int
    command: str
    pss_mb: float
    files: int
    cpu_s: float


def family(pid: int) -> list[int]:
    """Return the process and everything it has started, directly or not."""
    children: dict[int, list[int]] = {}
    for entry in _PROC.glob("[0-9]*"):
        if (stat := _read(entry / "stat")) is not None:
            children.setdefault(int(_fields(stat)[1]), []).append(int(entry.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def held_by(pid: int) -> list[Held]:
    """Return what each process of a family holds; those that end meanwhile are left out."""
    return [held for one in family(pid) if (held := _held(one)) is not None]


def total(held: Iterable[Held]) -> Held:
    """Return the sums over some processes."""
    each = list(held)
    return Held(
        pid=0,
        command=f"{len(each)} processes",
        pss_mb=sum(one.pss_mb for one in each),
        files=sum(one.files for one in each),
        cpu_s=sum(one.cpu_s for one in each),
    )


def by_kind(held: Iterable[Held]) -> Counter[str]:
    """Return how many processes of each kind the local cloud has."""
    return Counter(kind_of(one.command) for one in held)


def kind_of(command: str) -> str:
    """Say what a process of the local cloud is for."""
    marks = {
        "-m localcloud": "server",
        "/ministack-lambda-": "function",
        "interpreter.py": "warm interpreter or copy of one",
        "unshare": "container",
        "stand_in.py": "container's stand-in",
    }
    return next((kind for mark, kind in marks.items() if mark in command), "other")


def _held(pid: int) -> Held | None:
    place = _PROC / str(pid)
    stat, memory = _read(place / "stat"), _read(place / "smaps_rollup")
    command = _read(place / "cmdline")
    if stat is None or memory is None or command is None:
        return None
    fields = _fields(stat)
    sizes = _PSS.findall(memory)
    return Held(
        pid=pid,
        command=command.replace("\0", " ").strip(),
        pss_mb=sum(map(int, sizes)) / _MB,
        files=_count(place / "fd"),
        # utime, stime, and of children that were waited for.
        cpu_s=sum(map(int, fields[11:15])) / _TICKS_A_S,
    )


def _fields(stat: str) -> list[str]:
    """Return what follows the name, which may hold spaces: state, parent and so on."""
    return stat.rpartition(")")[2].split()


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _count(folder: Path) -> int:
    try:
        return len(os.listdir(folder))  # noqa: PTH208 - names, not paths
    except OSError:
        return 0
