"""The program of a processing job: read the order, make the dataset, leave files and ``result.json`` behind.

A refused upload is a result as good as a dataset: both end with 0. Anything else ends with 1, and the sentence
in ``/opt/ml/output/message`` becomes the job's ExitMessage.
"""

import logging
import os
import sys
import tempfile
from pathlib import Path
from typing import IO

import msgspec
from chalicelib.ingest.build import Built, Refusal, build
from chalicelib.ingest.engine import open_scratch
from chalicelib.ingest.formats.reader import TooLargeHere
from chalicelib.ingest.processing.messages import RESULT, JobOrder, JobResult
from chalicelib.ingest.sink import FolderSink

_log = logging.getLogger("headrace.ingest.job")


class HandedFile(msgspec.Struct, frozen=True, kw_only=True):
    """The copy of an upload, under the name that its user gave it."""

    path: Path
    name: str

    @property
    def size_bytes(self) -> int:
        """The file's length."""
        return self.path.stat().st_size

    def open(self) -> IO[bytes]:
        """Return a new stream of the file."""
        return self.path.open("rb")


def run(processing: Path) -> JobResult:
    """Do what the order below *processing* says and return what came of it, written to the output folder last."""
    told = msgspec.json.decode((processing / "order" / "order.json").read_bytes(), type=JobOrder)
    source = HandedFile(path=processing / "raw" / "object", name=told.file_name)
    output = processing / "output"
    output.mkdir(parents=True, exist_ok=True)
    outcome = _make(told, source, FolderSink(output))
    result = JobResult(
        job=told.job,
        size_bytes=source.size_bytes,
        judged_by=told.order.known.sha256 if told.order.known else None,
        built=outcome if isinstance(outcome, Built) else None,
        refusal=outcome if isinstance(outcome, Refusal) else None,
    )
    (output / RESULT).write_bytes(msgspec.json.encode(result))
    return result


def _make(told: JobOrder, source: HandedFile, sink: FolderSink) -> Built | Refusal:
    try:
        with open_scratch() as scratch:
            # Nobody to ask whether the content is known: the service does, before it publishes.
            return build(scratch, source, told.order, sink, lambda _: None)
    except TooLargeHere as error:
        # There is no larger machine.
        return Refusal(reason="too_large", detail=str(error), facts={"size_bytes": source.size_bytes})


def main(base: Path) -> int:
    """Run the job below *base* (``/opt/ml``) and return its exit code."""
    scratch = base / "processing" / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    # The volume that the request asks for is mounted here; /tmp is the machine's own small disk.
    tempfile.tempdir = str(scratch)
    try:
        result = run(base / "processing")
    # A supervisor: whatever it was, the job ends and says so in one sentence.
    except Exception as error:  # noqa: BLE001
        _log.exception("the dataset could not be made")
        _tell(base, f"{type(error).__name__}: {error}")
        return 1
    _tell(base, f"rejected: {result.refusal.reason}" if result.refusal else "dataset made")
    return 0


def _tell(base: Path, sentence: str) -> None:
    message = base / "output" / "message"
    message.parent.mkdir(parents=True, exist_ok=True)
    message.write_text(sentence[:250], encoding="utf-8")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(levelname)s %(name)s %(message)s")
    sys.exit(main(Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))))
