"""P6: what a cold start imports, net CPU over a bare interpreter, each in a fresh process, interleaved."""

import sys
from pathlib import Path

from benchmarks.measure import Cost, clean_environment, cost_of, medians

ROOT = Path(__file__).resolve().parents[2]
# What each needs before its first request, its AWS clients included.
PROGRAMS = {
    "python": "pass",
    "chalice + one boto3 client": "from chalice import Chalice; Chalice(app_name='x')\n"
    "import boto3; boto3.client('sagemaker-runtime')",
    "ours": "from benchmarks.inference.ours import ready; ready()",
    "powertools": "from aws_lambda_powertools import Logger, Metrics\n"
    "from benchmarks.inference.peers import powertools; powertools(); Logger(); Metrics()\n"
    "import boto3; [boto3.client(s) for s in ('sagemaker-runtime', 'dynamodb')]",
    "fastapi": "from benchmarks.inference.peers import fastapi; fastapi()\n"
    "import boto3; [boto3.client(s) for s in ('sagemaker-runtime', 'dynamodb')]",
}


def costs(python: Path, rounds: int, **environment: str) -> dict[str, Cost]:
    """Return the median cost of each program; the first round, which compiles, is not counted."""
    env = clean_environment(PYTHONPATH=str(ROOT), **environment)
    runs = {
        name: (lambda code=code: cost_of([str(python), "-c", code], cwd=ROOT, env=env))
        for name, code in PROGRAMS.items()
    }
    medians(1, **runs)
    return medians(rounds, **runs)


if __name__ == "__main__":
    for name, cost in costs(Path(sys.executable), 5).items():
        print(name, round(cost.cpu_s * 1000))
