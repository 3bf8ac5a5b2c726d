"""SageMaker's processing jobs as far as the service sees them; a job runs when the test says so, in this process."""

import tempfile
from pathlib import Path
from typing import Any

from chalicelib.ingest.processing import job
from chalicelib.ingest.processing.jobs import Described, ProcessingJobs
from chalicelib.ingest.processing.plan import PIPELINE_VARIABLE

from shared.errors import Conflict, NotFound
from shared.objects.bucket import split_uri
from tests.buckets import FakeBucket


class FakeJobs(ProcessingJobs):
    """Jobs by name; ``refusals`` are raised by the next calls of create, one each."""

    def __init__(self, data: FakeBucket) -> None:
        super().__init__(None)
        self._data = data
        self.requests: dict[str, dict[str, Any]] = {}
        self.described: dict[str, Described] = {}
        self.refusals: list[Exception] = []

    def create(self, request: Any) -> None:
        name = request["ProcessingJobName"]
        if self.refusals:
            raise self.refusals.pop(0)
        if name in self.requests:
            raise Conflict(f"{name} exists")
        self.requests[name] = dict(request)
        self._set(name, "InProgress")

    def describe(self, name: str) -> Described:
        if name not in self.described:
            raise NotFound(f"Could not find requested job with name: {name}")
        return self.described[name]

    def end(self, name: str, status: str, **why: str) -> None:
        """Let the job end without having left anything."""
        self._set(name, status, **why)

    def delete(self, name: str) -> None:
        """Forget the job."""
        del self.requests[name], self.described[name]

    def run(self, name: str, *, upload: bool = True) -> None:
        """Run the job's program on its inputs, as SageMaker would, and upload what it leaves."""
        request = self.requests[name]
        with tempfile.TemporaryDirectory() as folder:
            base = Path(folder)
            self._download(request, base)
            try:
                code = job.main(base)
            finally:
                tempfile.tempdir = None  # the program sets it for a process of its own
            message = (base / "output" / "message").read_text()
            if code:
                self._set(
                    name, "Failed", failure_reason="AlgorithmError: , exit code: 1", exit_message=message
                )
                return
            if upload:
                self._upload(request, base / "processing" / "output")
        self._set(name, "Completed", exit_message=message)

    def _download(self, request: Any, base: Path) -> None:
        for item in request["ProcessingInputs"]:
            bucket, key = split_uri(item["S3Input"]["S3Uri"])
            if bucket != self._data.name:
                continue  # the code: it runs in this process
            place = base / item["S3Input"]["LocalPath"].removeprefix("/opt/ml/") / key.rpartition("/")[2]
            place.parent.mkdir(parents=True)
            place.write_bytes(self._data.read(key))

    def _upload(self, request: Any, output: Path) -> None:
        (target,) = request["ProcessingOutputConfig"]["Outputs"]
        prefix = split_uri(target["S3Output"]["S3Uri"])[1]
        for path in sorted(output.rglob("*")):
            if path.is_file():
                self._data.write(f"{prefix}/{path.relative_to(output).as_posix()}", path.read_bytes())

    def _set(self, name: str, status: str, **why: str) -> None:
        pipeline = self.requests[name]["Environment"][PIPELINE_VARIABLE]
        self.described[name] = Described(name=name, status=status, pipeline=pipeline, **why)
