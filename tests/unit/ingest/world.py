"""The ingest service on in-memory adapters, with the real engine: real bytes in, real Parquet out."""

import gzip
import io
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import msgspec
from chalicelib.ingest.adapters import Adapters, Build
from chalicelib.ingest.build import build
from chalicelib.ingest.catalog import Catalog
from chalicelib.ingest.dataset_files import DatasetFiles
from chalicelib.ingest.engine import Scratch, open_scratch
from chalicelib.ingest.formats.reader import Limits
from chalicelib.ingest.keys import Upload
from chalicelib.ingest.leases import LEASE, renewing
from chalicelib.ingest.pipelines import PipelineStore
from chalicelib.ingest.processing.job_files import JobFiles
from chalicelib.ingest.processing.plan import Place
from chalicelib.ingest.raw_objects import RawObjects
from chalicelib.ingest.workflow import handle_upload

from shared.entities.dataset import DatasetManifest, DatasetVersion
from shared.entities.pipeline import PipelineDefinition
from shared.parsing import convert
from tests.database import answers
from tests.fakes import FakeBucket, FakeBus, FakeClock, FakeTable
from tests.unit.ingest.fake_jobs import FakeJobs

PLACE = Place(
    stage="local",
    role_arn="arn:aws:iam::000000000000:role/headrace-local-ingest-job",
    image_uri="683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3",
    code_uri="s3://models/code/0123/ingest.zip",
    data_bucket="data",
)


class World:
    """Everything around the service; ``upload`` puts a file and handles its event as Lambda would."""

    def __init__(self) -> None:
        self.incoming, self.data = FakeBucket("incoming"), FakeBucket("data")
        self.datasets = FakeTable("datasets", "pipeline", "version")
        self.pipelines = FakeTable("pipelines", "kind", "pipeline")
        self.bus, self.clock = FakeBus(), FakeClock()
        self.jobs = FakeJobs(self.data)
        self.measured: list[tuple[DatasetVersion, float]] = []
        self.requests = 0
        self.limits = Limits(max_bytes=1 << 30, hard_max_bytes=1 << 40)
        self.open_scratch: Callable[[], AbstractContextManager[Scratch]] = open_scratch
        self.build: Build = build

    def adapters(self, **replaced: Any) -> Adapters:
        plain: dict[str, Any] = {
            "raw": RawObjects(self.incoming),
            "files": DatasetFiles(self.data),
            "catalog": Catalog(self.datasets),
            "jobs": self.jobs,
            "job_files": JobFiles(self.data, self.incoming),
            "place": PLACE,
            "pipelines": PipelineStore(self.pipelines),
            "bus": self.bus,
            "clock": self.clock,
            "open_scratch": self.open_scratch,
            "build": self.build,
            "renewing": renewing,
            "measure": lambda row, seconds: self.measured.append((row, seconds)),
            "log": logging.getLogger("test"),
            "limits": self.limits,
            "disk_bytes": 400_000_000,
            "code_version": "test",
        }
        return Adapters(**(plain | replaced))

    def define(self, name: str = "trips", **definition: Any) -> None:
        document = {"name": name, "task": "classification", "target": "late", **definition}
        kind: Any = PipelineDefinition
        self.adapters().pipelines.put(name, convert(document, kind), self.clock())

    def put(self, body: bytes, name: str = "trips.csv", *, key: str | None = None) -> Upload:
        key = key or f"incoming/trips/{name}"
        version_id = self.incoming.write(key, body)
        return Upload(bucket="incoming", key=key, version_id=version_id, size_bytes=len(body))

    def handle(self, upload: Upload, **replaced: Any) -> DatasetVersion:
        self.requests += 1
        self.handle_as(f"request-{self.requests}", upload, **replaced)
        return self.row(upload)

    def upload(self, body: bytes, name: str = "trips.csv", *, key: str | None = None) -> DatasetVersion:
        return self.handle(self.put(body, name, key=key))

    def claim(self, row: DatasetVersion, owner: str) -> DatasetVersion:
        """Return *row* under a lease of *owner*, who must get it."""
        mine = Catalog(self.datasets).claim(row, owner, self.clock(), LEASE)
        assert mine is not None, f"{owner} got no lease"
        return mine

    def handle_as(self, owner: str, upload: Upload, **replaced: Any) -> DatasetVersion:
        """Handle the event of *upload* in a Lambda invocation of the id *owner* and return what came of it."""
        row = handle_upload(upload, owner, self.adapters(**replaced))
        assert row is not None, "taken for a folder"
        return row

    def row(self, upload: Upload) -> DatasetVersion:
        return Catalog(self.datasets).read.get(upload.pipeline, upload.version)

    def row_of(self, row: DatasetVersion) -> DatasetVersion:
        """Return *row* as it is now."""
        return Catalog(self.datasets).read.get(row.pipeline, row.version)

    def file(self, row: DatasetVersion, name: str) -> bytes:
        return self.data.read(f"datasets/{row.pipeline}/{row.version}/{name}")

    def manifest(self, row: DatasetVersion) -> DatasetManifest:
        return msgspec.json.decode(self.file(row, "manifest.json"), type=DatasetManifest)

    def rejects(self, row: DatasetVersion) -> list[dict[str, Any]]:
        lines = gzip.decompress(self.file(row, "rejects.jsonl.gz")).splitlines()
        return [msgspec.json.decode(line) for line in lines]

    def rows(self, row: DatasetVersion, side: str, tmp_path: Any) -> list[tuple[Any, ...]]:
        """Return the rows of one side's part, read back by DuckDB."""
        path = tmp_path / f"{row.version}-{side}.parquet"
        path.write_bytes(self.file(row, f"{side}/part-0.parquet"))
        return answers(f"FROM read_parquet('{path}')")

    def good_rows(self, row: DatasetVersion, tmp_path: Any) -> list[tuple[Any, ...]]:
        sides = [part.side for part in self.manifest(row).parts]
        return sorted((r for side in sides for r in self.rows(row, side, tmp_path)), key=repr)

    def types(self, row: DatasetVersion) -> dict[str, str]:
        return {field["name"]: field["type"] for field in self.manifest(row).schema["fields"]}


def make_csv(rows: int = 200, header: str = "id,distance,carrier,late", start: int = 0) -> bytes:
    """Return a clean file; ``start`` makes another content of the same shape."""
    out = io.StringIO()
    out.write(header + "\n")
    for i in range(start, start + rows):
        out.write(f"{i},{i * 7 % 1000 + 0.5},{'AA' if i % 3 else 'UA'},{'true' if i % 4 == 0 else 'false'}\n")
    return out.getvalue().encode()
