"""Record the stories of this release: `python -m tests.replay.record`, when the version is tagged.

Writes `tests/replay/<version>/<service>.json` where it is not there. A corpus is never edited nor recorded again: it is what was.
"""

import sys
import tomllib
from pathlib import Path
from typing import Any

import msgspec
from chalicelib.inference.naming import endpoint_name

from shared.events import DatasetVersionReady, ModelVersionApproved
from tests.buckets import FakeBucket
from tests.clouds import ROOT
from tests.replay.stories import PLAYERS, SMALL_BYTES, Corpus, Step, announced, play_ingest, play_training
from tests.unit.ingest.world import make_csv

HERE = Path(__file__).parent


def dataset(ordinal: int) -> list[Step]:
    """Return the steps of a dataset version that is there and told."""
    ready = DatasetVersionReady(
        pipeline="flights",
        version=f"d{ordinal}",
        ordinal=ordinal,
        manifest_uri=f"s3://data/datasets/flights/d{ordinal}/manifest.json",
        row_count=1500,
    )
    return [{"move": "dataset", "ordinal": ordinal}, announced(ready, correlation_id=f"d{ordinal}")]


def sagemaker(kind: str, name_member: str, name: str, **detail: Any) -> Step:
    """Return a state change as SageMaker tells it."""
    return {"detail-type": f"SageMaker {kind} State Change", "detail": {name_member: name, **detail}}


def uploaded(key: str, body: bytes) -> list[Step]:
    """Return the steps of an object that is there and told, as S3 tells it."""
    bucket = FakeBucket("incoming")
    stored = {"key": key, "size": len(body), "version-id": bucket.write(key, body), "sequencer": "00"}
    created = {"detail-type": "Object Created", "detail": {"bucket": {"name": bucket.name}, "object": stored}}
    return [{"move": "object", "key": key, "body": body.decode()}, created]


def ingest_story() -> list[Step]:
    """One file is read, one again, one has bad rows, two are refused, one is too large for a function; most is told twice."""
    steps: list[Step] = [{"move": "definition", "name": "trips", "definition": {"data": {"max_bad": "10%"}}}]
    bad = make_csv(100, start=1000) + b"not a number,1,AA,true\n1,2\n"
    files = {
        "trips/january.csv": make_csv(100),
        "trips/january again.csv": make_csv(100),
        "trips/february.csv": bad,
        "trips/nothing.csv": b"",
        "nobody/march.csv": make_csv(100),
    }
    for name, body in files.items():
        told = uploaded(f"incoming/{name}", body)
        steps += [*told, told[1]]
    large = make_csv(SMALL_BYTES // 10, start=2000)
    steps += uploaded("incoming/trips/all.csv", large)
    (name,) = {
        row["processing_job"] for row in play_ingest(tuple(steps)).values() if row.get("processing_job")
    }
    ended = sagemaker("Processing Job", "ProcessingJobName", name, ProcessingJobStatus="Completed")
    return [*steps, {"move": "job", "name": name}, ended, ended]


def training_story() -> list[Step]:
    """Two uploads become two models, the second judged beside the first; a third fails; most is told twice."""
    steps = [*dataset(1), dataset(1)[1], {"move": "completed", "of": "d1"}]
    steps += _changes(steps, "d1", "Completed") * 2
    steps += [{"move": "live", "version": "v1"}, *dataset(2), {"move": "completed", "of": "d2"}]
    steps += _changes(steps, "d2", "Completed")
    steps += [*dataset(3), {"move": "failed", "of": "d3", "reason": "AlgorithmError: exit code 1"}]
    return [*steps, *_changes(steps, "d3", "Failed"), {"move": "minute"}]


def inference_story() -> list[Step]:
    """Two versions go live, the first told twice, one endpoint told before it is in service."""
    steps: list[Step] = []
    for version, champion in (("v1", None), ("v2", "v1")):
        approved = ModelVersionApproved(
            pipeline="flights", version=version, job_id="j" * 20, evaluated_champion=champion
        )
        steps += [{"move": "model", "version": version, "champion": champion}]
        steps += [announced(approved, correlation_id=version)] * 2
        name = endpoint_name("test", "flights", version)
        told = sagemaker("Endpoint", "EndpointName", name, EndpointStatus="IN_SERVICE")
        steps += [told, {"move": "endpoint", "name": name, "status": "InService"}, told, told]
    return steps


STORIES = {"ingest": ingest_story, "training": training_story, "inference": inference_story}


def _changes(before: list[Step], version: str, status: str) -> list[Step]:
    """Return the state change of the job that the steps before have made of a dataset version."""
    rows = play_training(tuple(before))
    (job,) = [row for row in rows.values() if row.get("dataset_version") == version and "state" in row]
    name = f"headrace-test-{job['job_id']}-a{job['attempt']}"
    return [sagemaker("Training Job", "TrainingJobName", name, TrainingJobStatus=status)]


def main() -> int:
    """Write the corpora of this version that are not there; refuse where all are."""
    release = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    folder = HERE / release
    missing = [service for service in STORIES if not (folder / f"{service}.json").exists()]
    if not missing:
        print(f"{folder} is there: what was recorded stays as it is", file=sys.stderr)
        return 1
    folder.mkdir(exist_ok=True)
    for service in missing:
        steps = tuple(STORIES[service]())
        corpus = Corpus(release=release, service=service, steps=steps, rows=PLAYERS[service](steps))
        body = msgspec.json.format(msgspec.json.encode(corpus), indent=1)
        (folder / f"{service}.json").write_bytes(body + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
