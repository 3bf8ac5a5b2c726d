"""Child process: read a Parquet file with random bytes changed, many times, within 512 MB over the base."""

import random
import resource
import sys
from pathlib import Path

import duckdb
from chalicelib.ingest.formats.reader import Limits

from shared.errors import InvalidDataset
from tests.integration.ingest.formats.sources import Bytes, read_source

OVER_BASE_BYTES = 512 << 20
LIMITS = Limits(max_bytes=64 << 20, hard_max_bytes=64 << 20)


def main() -> None:
    """Print how many of the damaged files were rejected; any other error ends the process."""
    body = Path(sys.argv[1]).read_bytes()
    read_source(Bytes(body, "data.parquet"), LIMITS)  # so that the base has all libraries
    duckdb.connect().close()
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    ceiling = pages * resource.getpagesize() + OVER_BASE_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (ceiling, ceiling))
    chance = random.Random(7)
    rejected = 0
    for attempt in range(120):
        broken = bytearray(body)
        # Half of the damage hits the footer, where sizes and offsets are claimed.
        lowest = len(body) - 700 if attempt % 2 else 4
        for _ in range(chance.randint(1, 4)):
            broken[chance.randrange(lowest, len(body) - 4)] = chance.randrange(256)
        try:
            read_source(Bytes(bytes(broken), "data.parquet"), LIMITS)
        except InvalidDataset:
            rejected += 1
    print(rejected)


main()
