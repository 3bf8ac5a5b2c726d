"""Do what the ingest Lambda does with one uploaded object, from process start: `python -m benchmarks.ingest.ours`.

Every byte comes and goes through the adapters of the service; only the tables are stand-ins. The last line printed
says what came of it, how much memory it took at most, and what it wrote.
"""

import argparse
import logging
from typing import Any

import msgspec
from chalicelib.ingest.adapters import Adapters
from chalicelib.ingest.build import build
from chalicelib.ingest.catalog import Catalog
from chalicelib.ingest.dataset_files import DatasetFiles
from chalicelib.ingest.engine import open_scratch
from chalicelib.ingest.leases import renewing
from chalicelib.ingest.pipelines import PipelineStore
from chalicelib.ingest.raw_objects import RawObjects
from chalicelib.ingest.validation import validate_upload
from chalicelib.ingest.wiring import DISK_BYTES, LIMITS

from benchmarks.ingest.outcome import BUCKET, FIRST, PIPELINE, tell
from shared.aws import s3
from shared.clock import utc_now
from shared.codec import to_row
from shared.entities.dataset import DatasetManifest, DatasetState, DatasetVersion
from shared.entities.pipeline import PipelineDefinition
from shared.objects import Bucket
from tests.fakes import FakeTable

DEFINITION = {
    "name": PIPELINE,
    "task": "classification",
    "target": "label",
    "data": {"key": "id", "max_bad": "5%"},
    "split": {"by": "hash"},
}


def main() -> None:
    """Validate the object named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("version")
    parser.add_argument(
        "--later", action="store_true", help="hold it against the schema of the version before"
    )
    arguments = parser.parse_args()
    row = _version(arguments.file, arguments.version)
    result = validate_upload(row, _adapters([_version(arguments.file, FIRST)] if arguments.later else []))
    if not isinstance(result, DatasetManifest):
        raise SystemExit(f"no dataset came of it: {result}")
    tell(good=result.rows.good, bad=result.rows.bad, sides=result.split.rows)


def _version(file: str, version: str) -> DatasetVersion:
    return DatasetVersion(
        pipeline=PIPELINE,
        version=version,
        ordinal=1,
        state=DatasetState.VALIDATING,
        bucket=BUCKET,
        key=f"incoming/{PIPELINE}/{file}",
        created_at="2026-01-01T00:00:00.000Z",
        updated_at="2026-01-01T00:00:00.000Z",
    )


def _adapters(ready: list[DatasetVersion]) -> Adapters:
    bucket = Bucket(s3(), BUCKET)
    no_jobs: Any = None
    return Adapters(
        raw=RawObjects(bucket),
        files=DatasetFiles(bucket),
        catalog=_catalog(ready),
        pipelines=_pipelines(),
        bus=None,
        jobs=no_jobs,
        job_files=no_jobs,
        place=no_jobs,
        clock=utc_now,
        open_scratch=open_scratch,
        build=build,
        renewing=renewing,
        measure=lambda _row, _seconds: None,
        log=logging.getLogger("benchmark"),
        limits=msgspec.structs.replace(LIMITS, max_bytes=LIMITS.hard_max_bytes),  # also what a job would take
        disk_bytes=DISK_BYTES,
        code_version="benchmark",
    )


def _catalog(ready: list[DatasetVersion]) -> Catalog:
    table = FakeTable("datasets", "pipeline", "version")
    for row in ready:
        table.put(to_row(msgspec.structs.replace(row, state=DatasetState.READY)))
    return Catalog(table)


def _pipelines() -> PipelineStore:
    store = PipelineStore(FakeTable("pipelines", "kind", "pipeline"))
    kind: Any = PipelineDefinition
    store.put(PIPELINE, msgspec.convert(DEFINITION, kind), utc_now())
    return store


if __name__ == "__main__":
    main()
