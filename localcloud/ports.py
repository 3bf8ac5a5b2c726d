"""Ask the system about TCP ports of 127.0.0.1."""

import socket
from pathlib import Path

_LISTEN = "0A"
_ANY_OR_LOOPBACK = ("00000000", "0100007F")


def is_free(port: int) -> bool:
    """Tell whether a server could bind the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def holder(port: int) -> str | None:
    """Name the process that listens on the port, as `name (process 123)`; None when not knowable."""
    try:
        inodes = _listening_inodes(Path("/proc/net/tcp").read_text(), port)
    except OSError:
        return None
    targets = {f"socket:[{inode}]" for inode in inodes}
    for process in Path("/proc").glob("[0-9]*"):
        if _has_socket(process, targets):
            name = (process / "comm").read_text().strip()
            return f"{name} (process {process.name})"
    return None


def _listening_inodes(table: str, port: int) -> list[str]:
    """Read the kernel's table: local address `0100007F:11E1` in hex, state, ..., inode in column 9."""
    rows = [line.split() for line in table.splitlines()[1:]]
    return [
        row[9]
        for row in rows
        if row[3] == _LISTEN
        and row[1].split(":")[0] in _ANY_OR_LOOPBACK
        and int(row[1].split(":")[1], 16) == port
    ]


def _has_socket(process: Path, targets: set[str]) -> bool:
    """Look through a process's open files; one that is not ours to read has none."""
    try:
        return any(str(handle.readlink()) in targets for handle in (process / "fd").iterdir())
    except OSError:
        return False
