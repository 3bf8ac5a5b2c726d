"""P1 to P5 as figures: who is run, how often, what is held against which gate."""

import statistics
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.ingest.dirty_csv import MEGABYTE
from benchmarks.ingest.stage import OURS, ROOT, Run, Stage
from benchmarks.measure import report

PEERS = {
    "awswrangler": "peers.wrangler",
    "pandas": "peers.pandas_chunks",
    "polars": "peers.polars_lazy",
    "pyarrow": "peers.arrow_stream",
}
P1_GATE, P4_GATE = 2.5, 4.0
P2_GROWTH, P2_MEMORY_MB = 1.3, 350
MIB = 1 << 20
P5_ZIP_BYTES, P5_UNZIPPED_BYTES = 50 * MIB, 150 * MEGABYTE
_UNKNOWN = "not a known label"
Program = Callable[[], Run]


def report_cpu(stage: Stage, measure: str, file: str, gate: float, rounds: int) -> dict[str, list[Run]]:
    """Print how many times less CPU ours takes than awswrangler; return all runs."""
    runs = interleaved(rounds, _programs(stage, file))
    cpu = {name: statistics.median(run.cpu_s for run in of_name) for name, of_name in runs.items()}
    peer = cpu["awswrangler"]
    for case in ("first upload", "later upload"):
        ratio = peer / cpu[case]
        told = {f"{name.replace(' ', '_')}_s": round(value, 2) for name, value in cpu.items()}
        report(
            f"{measure}, {case}",
            ratio,
            "x less CPU than awswrangler",
            gate=f">= {gate}",
            met=ratio >= gate,
            **told,
        )
    return runs


def report_memory(small: Mapping[str, list[Run]], stage: Stage, large_file: str) -> None:
    """Print what five times the rows take in memory; *small* are the runs of the 212 MB file."""
    for case, options in (("first upload", ()), ("later upload", ("--later",))):
        large = stage.ours(large_file, "large", *options)
        before = statistics.median(run.memory_mb for run in small[case])
        growth = large.memory_mb / before
        report(
            f"P2 memory of 1 GB / of 212 MB, {case}",
            growth,
            "x",
            gate=f"<= {P2_GROWTH} and <= {P2_MEMORY_MB} MB",
            met=growth <= P2_GROWTH and large.memory_mb <= P2_MEMORY_MB,
            memory_mb=large.memory_mb,
            memory_212_mb=before,
            disk_mb=round(large.disk_mb),
            cpu_s=round(large.cpu_s, 2),
            peers_212_mb={name: statistics.median(run.memory_mb for run in small[name]) for name in PEERS},
        )


def report_small_memory(small: Mapping[str, list[Run]]) -> None:
    """Print what the 212 MB file takes in memory, where the larger one is not run."""
    most = max(run.memory_mb for case in ("first upload", "later upload") for run in small[case])
    disk = max(run.disk_mb for case in ("first upload", "later upload") for run in small[case])
    peers = {name: statistics.median(run.memory_mb for run in small[name]) for name in PEERS}
    met = most <= P2_MEMORY_MB
    report(
        "P2 memory of 212 MB",
        most,
        "MB",
        gate=f"<= {P2_MEMORY_MB}",
        met=met,
        disk_mb=round(disk),
        peers_mb=peers,
    )


def report_rejects(stage: Stage, file: str) -> None:
    """Print the share of bad rows told exactly: row, column, rule and text; of the peers also of those noticed."""
    truth = stage.truth(file)
    # Of a first file nobody knows which labels there are.
    for case, version, known in (
        ("first upload", "first-upload", False),
        ("later upload", "later-upload", True),
    ):
        wanted = {_told(bad) for bad in truth if known or bad["rule"] != _UNKNOWN}
        found = stage.our_rejects(version)
        share = 100 * len(found & wanted) / len(wanted)
        surplus = len(found - wanted)
        report(
            f"P3 bad rows, {case}",
            share,
            "% exact",
            gate="100, none besides",
            met=found == wanted,
            surplus=surplus,
        )
    for name in PEERS:
        _report_peer_rejects(stage, name, truth)


def _report_peer_rejects(stage: Stage, name: str, truth: list[dict[str, Any]]) -> None:
    told = stage.their_rejects(name)
    noticed = {bad["id"] for bad in truth} & {bad[1] for bad in told}
    exact = {_told(bad) for bad in truth} & {
        (row, column, rule, value or None) for row, _, column, rule, value in told
    }
    share = 100 * len(noticed) / len(truth)
    exact_share = round(100 * len(exact) / len(truth), 3)
    report(f"P3 bad rows, {name}", share, "% noticed", gate="none: a peer", met=True, exact=exact_share)


def report_packages() -> None:
    """Print the sizes of the Lambda zips that the newest deployment has built."""
    for service in ("ingest", "training", "inference"):
        built = sorted((ROOT / f"{service}_service/.chalice/deployments").glob("*.zip"))
        if not built:
            report(
                f"P5 {service} zip",
                0,
                "MiB",
                gate="< 50",
                met=False,
                note="none built: run `headrace up` first",
            )
            continue
        _report_package(service, built[-1])


def _report_package(service: str, package: Path) -> None:
    with zipfile.ZipFile(package) as archive:
        unzipped = sum(entry.file_size for entry in archive.infolist())
    zipped = package.stat().st_size
    met = zipped < P5_ZIP_BYTES and unzipped < P5_UNZIPPED_BYTES
    more = {"unzipped_mb": round(unzipped / MEGABYTE, 1)}
    report(f"P5 {service} zip", zipped / MIB, "MiB", gate="< 50 and unzipped < 150 MB", met=met, **more)


def interleaved(rounds: int, programs: Mapping[str, Program]) -> dict[str, list[Run]]:
    """Run each of *programs* once a round, so that a busy minute meets them all."""
    runs: dict[str, list[Run]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            runs[name].append(program())
    return runs


def _programs(stage: Stage, file: str) -> dict[str, Program]:
    ours: dict[str, Program] = {
        "first upload": lambda: stage.ours(file, "first-upload"),
        "later upload": lambda: stage.ours(file, "later-upload", "--later"),
        "floor": lambda: stage.run([str(OURS), "-m", "benchmarks.ingest.floor", file]),
    }
    return ours | {name: _peer(stage, module, file) for name, module in PEERS.items()}


def _peer(stage: Stage, module: str, file: str) -> Program:
    return lambda: stage.peer(module, file)


def _told(bad: Mapping[str, Any]) -> tuple[Any, ...]:
    return (bad["row"], bad["column"], bad["rule"], bad["value"] or None)
