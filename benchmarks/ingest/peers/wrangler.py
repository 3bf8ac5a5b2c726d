"""awswrangler in chunks: `python -m benchmarks.ingest.peers.wrangler FILE`."""

import sys

import awswrangler as wr

from benchmarks.ingest.outcome import BUCKET, tell
from benchmarks.ingest.peers import job
from benchmarks.ingest.peers.frames import READING, Ingest

NAME = "awswrangler"
CHUNK_ROWS = 100_000


def main() -> None:
    """Make a dataset of the file."""
    ingest = Ingest()
    chunks = wr.s3.read_csv(f"s3://{BUCKET}/{job.source(sys.argv[1])}", chunksize=CHUNK_ROWS, **READING)
    for number, raw in enumerate(chunks):
        for side, rows in ingest.sides(raw).items():
            # A file a chunk: it cannot append to one. Paths of our own cost less than its partition_cols.
            path = f"s3://{BUCKET}/{job.target(NAME, f'{side}/part-{number}.parquet')}"
            wr.s3.to_parquet(rows, path=path, index=False, compression="zstd")
    job.write_json(NAME, "profile.json", ingest.profile)
    job.write_json(NAME, "rejects.json", ingest.rejects)
    tell(good=ingest.good, bad=len(ingest.rejects))


main()
