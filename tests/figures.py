"""Figures that proofs come to, kept with the day and the commit they were measured at.

`make proof` runs with `--record-figures`: what its tests record is written to `docs/figures.json`, of which
`docs/reference/figures.md` is generated. A test records after its last assertion, so a proof that fails has no figure.
"""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tests.clouds import ROOT

FILE = ROOT / "docs" / "figures.json"
WRITTEN = (
    "docs/figures.json",
    "docs/hostile.json",
    "docs/reference/figures.md",
    "docs/reference/hostile-inputs.md",
)


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One measured value; ``proof`` is the test that measured it, as pytest names it, ``machine`` where it ran."""

    value: str
    proof: str
    measured_on: str
    commit: str
    machine: str


class Recorder:
    """Collects the figures of one session."""

    def __init__(self) -> None:
        self.found: dict[str, Figure] = {}

    def note(self, name: str, value: str, proof: str) -> None:
        """Keep a figure of the test *proof*."""
        self.found[name] = Figure(
            value=value,
            proof=proof,
            measured_on=datetime.now(UTC).date().isoformat(),
            commit=commit(),
            machine=machine(),
        )

    def write(self, path: Path = FILE) -> None:
        """Put the figures of this session among those of earlier ones."""
        kept = msgspec.json.decode(path.read_bytes(), type=dict[str, Figure]) if path.exists() else {}
        merged = dict(sorted((kept | self.found).items()))
        path.write_bytes(msgspec.json.format(msgspec.json.encode(merged), indent=2) + b"\n")


def commit() -> str:
    """Return the commit of the checkout; a plus says that files had changed since, other than what proofs write."""
    head = _git("rev-parse", "--short", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", *(f":!{one}" for one in WRITTEN))
    return f"{head}+" if changed else head


def machine() -> str:
    """Return in words what this machine is."""
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return f"{os.cpu_count()} cores ({platform.machine()}), {memory_gb:.0f} GB"


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()
