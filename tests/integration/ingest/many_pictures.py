"""Child process: bring a zip of pictures to Parquet within 512 MB over the base."""

import resource
import sys
from pathlib import Path

import duckdb
from chalicelib.ingest.engine import open_scratch
from chalicelib.ingest.formats.images import Images
from chalicelib.ingest.formats.reader import Limits

from shared.entities.pipeline import Data
from tests.integration.ingest.formats.sources import OnDisk, drain

OVER_BASE_BYTES = 512 << 20


def main() -> None:
    """Print the numbers of good and of malformed rows."""
    duckdb.connect().close()
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    ceiling = pages * resource.getpagesize() + OVER_BASE_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (ceiling, ceiling))
    limits = Limits(max_bytes=1 << 30, hard_max_bytes=1 << 30)
    reader = Images(OnDisk(Path(sys.argv[1])), Data(), limits)
    with open_scratch() as scratch:
        _, accepted = drain(scratch, reader, "FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 64")
        print(accepted, *scratch.row("SELECT count(*) FROM malformed"))


main()
