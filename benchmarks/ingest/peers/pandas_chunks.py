"""pandas in chunks, parts written by pyarrow: `python -m benchmarks.ingest.peers.pandas_chunks FILE`."""

import sys

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.ingest.outcome import BUCKET, tell
from benchmarks.ingest.peers import job
from benchmarks.ingest.peers.frames import READING, Ingest

NAME = "pandas"
CHUNK_ROWS = 100_000


def main() -> None:
    """Make a dataset of the file."""
    ingest, writers = Ingest(), {}
    body = job.s3().get_object(Bucket=BUCKET, Key=job.source(sys.argv[1]))["Body"]
    for raw in pd.read_csv(body, chunksize=CHUNK_ROWS, **READING):
        for side, rows in ingest.sides(raw).items():
            table = pa.Table.from_pandas(rows, preserve_index=False)
            if side not in writers:
                upload = job.Upload(job.target(NAME, f"{side}/part-0.parquet"))
                writers[side] = (upload, pq.ParquetWriter(upload, table.schema, compression="zstd"))
            writers[side][1].write_table(table)
    for upload, writer in writers.values():
        writer.close()
        upload.close()
    job.write_json(NAME, "profile.json", ingest.profile)
    job.write_json(NAME, "rejects.json", ingest.rejects)
    tell(good=ingest.good, bad=len(ingest.rejects))


main()
