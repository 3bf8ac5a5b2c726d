"""Where the programs run: a store with the dirty files, and each program with its CPU, memory and disk told."""

import contextlib
import gzip
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.ingest.dirty_csv import truth_of, write
from benchmarks.ingest.outcome import BUCKET, FIRST, PIPELINE
from benchmarks.measure import clean_environment

ROOT = Path(__file__).resolve().parents[2]
OURS = ROOT / ".venv/bin/python"
THEIRS = ROOT / ".venv/runtimes/bench/bin/python"
SEED_FILE = "seed.csv"
_POLL_S = 0.05


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What one program took and told; ``disk_mb`` is the most that its temporary folder ever held."""

    cpu_s: float
    wall_s: float
    disk_mb: float
    memory_mb: int
    good: int = 0
    bad: int = 0


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A running store over *folder*."""

    folder: Path
    address: str

    def make_file(self, megabytes: float, name: str, *, labels_known: bool = False) -> str:
        """Upload a dirty file of about so many megabytes and return its name."""
        path = self.folder / BUCKET / "incoming" / PIPELINE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not truth_of(path).exists():
            write(path, megabytes, labels_known=labels_known)
        return name

    def ours(self, file: str, version: str, *options: str) -> Run:
        """Run our own Lambda's code over *file*."""
        return self.run([str(OURS), "-m", "benchmarks.ingest.ours", file, version, *options])

    def peer(self, module: str, file: str) -> Run:
        """Run a peer or floor over *file*."""
        return self.run([str(THEIRS), "-m", f"benchmarks.ingest.{module}", file])

    def run(self, command: Sequence[str]) -> Run:
        """Run a program and return what it took."""
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch, _watched(Path(scratch)) as disk:
            began = time.monotonic()
            process = subprocess.Popen(
                command, cwd=ROOT, env=self._environment(scratch), stdout=subprocess.PIPE, text=True
            )
            assert process.stdout is not None
            told = process.stdout.read()
            # The figures of this child alone: RUSAGE_CHILDREN would hold those of all.
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            wall_s = time.monotonic() - began
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {told[-2000:]}")
        return Run(
            cpu_s=usage.ru_utime + usage.ru_stime,
            wall_s=wall_s,
            disk_mb=disk[0] / 1e6,
            **msgspec.json.decode(told.splitlines()[-1], type=_Told).plain(),
        )

    def our_rejects(self, version: str) -> set[tuple[Any, ...]]:
        """Return row, column, rule and value of each bad row that we told."""
        lines = gzip.decompress(self._written(PIPELINE, version, "rejects.jsonl.gz")).splitlines()
        return {(bad["row"], bad["column"], bad["rule"], bad["value"]) for bad in map(json.loads, lines)}

    def their_rejects(self, peer: str) -> list[tuple[Any, ...]]:
        """Return row, id, column, rule and value of each bad row that *peer* told."""
        return [tuple(bad) for bad in json.loads(self._written(peer, "rejects.json"))]

    def truth(self, file: str) -> list[dict[str, Any]]:
        """Return what is wrong with *file*."""
        path = truth_of(self.folder / BUCKET / "incoming" / PIPELINE / file)
        return [json.loads(line) for line in path.read_text().splitlines()]

    def _written(self, *names: str) -> bytes:
        return self.folder.joinpath(BUCKET, "datasets", *names).read_bytes()

    def _environment(self, scratch: str) -> dict[str, str]:
        return clean_environment(
            AWS_ENDPOINT_URL=self.address,
            AWS_ACCESS_KEY_ID="a",
            AWS_SECRET_ACCESS_KEY="b",
            AWS_REGION="us-east-1",
            AWS_DEFAULT_REGION="us-east-1",
            PYTHONPATH=f"{ROOT}:{ROOT / 'ingest_service'}",
            TMPDIR=scratch,
            PYTHONWARNINGS="ignore",  # pandas warns of each chunk that a row of it loses cells
        )


class _Told(msgspec.Struct, frozen=True):
    memory_mb: int
    good: int = 0
    bad: int = 0

    def plain(self) -> dict[str, int]:
        return msgspec.structs.asdict(self)


@contextlib.contextmanager
def open_stage(folder: Path) -> Iterator[Stage]:
    """Start a store over *folder*, with a first version that later uploads are held against."""
    command = [sys.executable, "-m", "benchmarks.ingest.store", str(folder)]
    store = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert store.stdout is not None
    try:
        stage = Stage(folder=folder, address=f"http://127.0.0.1:{store.stdout.readline().strip()}")
        stage.make_file(3, SEED_FILE, labels_known=True)
        stage.ours(SEED_FILE, FIRST)
        yield stage
    finally:
        store.terminate()
        store.wait()


@contextlib.contextmanager
def _watched(folder: Path) -> Iterator[list[int]]:
    """Keep the most bytes that *folder* held while the block ran, in the list's only entry."""
    most, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(_POLL_S):
            most[0] = max(most[0], _bytes_of(folder))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield most
    finally:
        done.set()
        watcher.join()


def _bytes_of(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            total += path.stat().st_blocks * 512
    return total
