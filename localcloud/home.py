"""The one folder in which a local cloud keeps everything it has."""

import fcntl
import os
import shutil
from pathlib import Path
from typing import IO

import msgspec

from localcloud.errors import AlreadyRunning

OWNED = ("state", "objects", "logs", "tmp", "sagemaker", "cloud.json", "cloud.lock")


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Who serves this folder now: the content of `cloud.json`.

    `start_ticks` is the kernel's start time of the process, so that a process id which was
    given to somebody else meanwhile is never mistaken for the server. `killed_predecessor` is the
    process before this one when that was killed, None when it ended gracefully.
    """

    pid: int
    port: int
    url: str
    started_at: str
    start_ticks: int
    killed_predecessor: int | None = None


class Home(msgspec.Struct, frozen=True, kw_only=True):
    """Paths inside the folder. Only names in `OWNED` are ever written or removed."""

    root: Path

    @property
    def state(self) -> Path:
        """What the services remember, written at a graceful stop."""
        return self.root / "state"

    @property
    def objects(self) -> Path:
        """Bodies of S3 objects, written as they arrive."""
        return self.root / "objects"

    @property
    def logs(self) -> Path:
        """Log of the server itself."""
        return self.root / "logs"

    @property
    def tmp(self) -> Path:
        """Unpacked Lambda code and other things that die with the server."""
        return self.root / "tmp"

    @property
    def record_file(self) -> Path:
        """`cloud.json`: process, port, URL."""
        return self.root / "cloud.json"

    @property
    def log_file(self) -> Path:
        """What a detached server prints."""
        return self.logs / "localcloud.log"

    @property
    def lock_file(self) -> Path:
        """Held by the server as long as it lives; the kernel lets go when it dies."""
        return self.root / "cloud.lock"

    def create(self) -> None:
        """Make the folders."""
        for folder in (self.state, self.objects, self.logs, self.tmp):
            folder.mkdir(parents=True, exist_ok=True)

    def read_record(self) -> Record | None:
        """Read who serves, or None when nobody says so."""
        try:
            return msgspec.json.decode(self.record_file.read_bytes(), type=Record)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def write_record(self, record: Record) -> None:
        """Say who serves, in one step: a reader never sees half a file."""
        partial = self.record_file.with_suffix(".tmp")
        partial.write_bytes(msgspec.json.format(msgspec.json.encode(record)) + b"\n")
        partial.replace(self.record_file)

    def lock(self) -> IO[bytes]:
        """Take the folder, or raise AlreadyRunning.

        Returns
        -------
        The open lock file. Keep it open: the lock ends with it, also when the process is killed.
        """
        handle = self.lock_file.open("ab")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
            record = self.read_record()
            who = f"process {record.pid} at {record.url}" if record else "another process"
            raise AlreadyRunning(f"{self.root} is served by {who}: stop that one first") from None
        return handle

    def clear_predecessor(self) -> Record | None:
        """Remove what a killed server left behind; return its record, or None after a clean stop.

        Call with the lock held. Temporary files never outlive their server, so all go.
        """
        record = self.read_record()
        self.record_file.unlink(missing_ok=True)
        shutil.rmtree(self.tmp, ignore_errors=True)
        self.tmp.mkdir(parents=True, exist_ok=True)
        return record

    def wipe(self) -> None:
        """Remove all the local cloud ever wrote here, and the folder itself when nothing else is in it."""
        for name in OWNED:
            path = self.root / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        if self.root.is_dir() and not os.listdir(self.root):  # noqa: PTH208
            self.root.rmdir()
