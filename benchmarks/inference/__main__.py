"""P6, P7 and P8, a JSON line each: `python -m benchmarks.inference [--rounds N]`."""

import argparse
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.inference import importing
from benchmarks.ingest.stage import ROOT, THEIRS
from benchmarks.measure import clean_environment, report

P6_ALLOWED_MS = 100
_P7 = ("ours", "ours_whole", "bare", "powertools", "fastapi")
AWS = {
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "POWERTOOLS_SERVICE_NAME": "s",
    "POWERTOOLS_METRICS_NAMESPACE": "n",
}


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11, help="how often each program is started for P6")
    chosen = parser.parse_args(arguments)
    report_imports(chosen.rounds)
    with stub() as address:
        report_handlers(_child("p7", address))
        report_requests(_child("p8", address))


def report_imports(rounds: int) -> None:
    """Print P6."""
    costs = importing.costs(THEIRS, rounds, **AWS)
    net = {name: (cost.cpu_s - costs["python"].cpu_s) * 1000 for name, cost in costs.items()}
    over = net["ours"] - net["chalice + one boto3 client"]
    others = {name.replace(" ", "_") + "_ms": round(ms) for name, ms in net.items() if name != "python"}
    report(
        "P6 import, net CPU over Chalice with one boto3 client",
        over,
        "ms",
        gate=f"<= {P6_ALLOWED_MS}",
        met=over <= P6_ALLOWED_MS,
        **others,
    )


def report_handlers(costs: dict[str, dict[str, float]]) -> None:
    """Print P7, for one record and for five hundred: parse, check, route and answer, which is what all of them do.

    ``ours_whole`` adds what no peer does: parsing the endpoint's answer, the record's line, the metrics' line.
    """
    for rows, gate_us in ((1, 50), (500, 1000)):
        told = {name: costs[f"{name} {rows}"]["cpu_us"] for name in _P7}
        report(
            f"P7 handler with validation, {rows} record{'s' if rows > 1 else ''}",
            told["ours"],
            "us CPU",
            gate=f"<= {gate_us}",
            met=told["ours"] <= gate_us,
            **{f"{name}_us": round(us) for name, us in told.items() if name != "ours"},
        )


def report_requests(costs: dict[str, dict[str, float]]) -> None:
    """Print P8: CPU and wall time of the workshop's way over ours."""
    theirs = costs["workshop"]
    for kind, gate in (("cpu_us", 6), ("wall_us", 3)):
        ratio = theirs[kind] / costs["ours"][kind]
        report(
            f"P8 whole request, {kind.removesuffix('_us')}",
            ratio,
            "x less",
            gate=f">= {gate}",
            met=ratio >= gate,
            ours_us=round(costs["ours"][kind]),
            workshop_us=round(theirs[kind]),
        )


@contextlib.contextmanager
def stub() -> Iterator[str]:
    """Yield the address of an AWS that answers after five milliseconds."""
    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.inference.stub"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
    finally:
        server.terminate()
        server.wait()


def _child(figure: str, address: str) -> dict[str, dict[str, float]]:
    env = clean_environment(AWS_ENDPOINT_URL=address, PYTHONPATH=str(ROOT), **AWS)
    command = [str(THEIRS), "-m", "benchmarks.inference.child", figure]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{figure} failed: {(done.stdout + done.stderr)[-3000:]}")
    costs: dict[str, dict[str, float]] = json.loads(done.stdout.splitlines()[-1])
    return costs


if __name__ == "__main__":
    main()
