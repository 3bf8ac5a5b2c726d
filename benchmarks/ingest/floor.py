"""The floor: read the object and write its rows back as Parquet, nothing looked at: `python -m … FILE`.

DuckDB parses every cell as text out of a FIFO and writes one compressed part; whoever validates, splits and profiles
does at least this.
"""

import argparse
import os
import tempfile
import threading
from pathlib import Path

import duckdb

from benchmarks.ingest.dirty_csv import CELLS
from benchmarks.ingest.outcome import BUCKET, PIPELINE, tell
from shared.aws import s3
from shared.objects import Bucket


def main() -> None:
    """Copy the file named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    file = parser.parse_args().file
    bucket = Bucket(s3(), BUCKET)
    with tempfile.TemporaryDirectory() as folder:
        fifo, part = Path(folder) / "fifo", Path(folder) / "part.parquet"
        os.mkfifo(fifo)
        pump = threading.Thread(target=_pump, args=(bucket, file, fifo))
        pump.start()
        columns = ", ".join(f"'{name}': 'VARCHAR'" for name in CELLS)
        connection = duckdb.connect(config={"threads": 1, "memory_limit": "150MB"})
        (count,) = connection.execute(
            f"COPY (SELECT * FROM read_csv('{fifo}', auto_detect=false, header=true, parallel=false, delim=',', "
            f"quote='\"', escape='\"', columns={{{columns}}}, store_rejects=true, rejects_limit=0)) "
            f"TO '{part}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 61440)"
        ).fetchall()[0]
        pump.join()
        with bucket.writer("datasets/floor/part.parquet") as target, part.open("rb") as written:
            while chunk := written.read(1 << 20):
                target.write(chunk)
    tell(good=count)


def _pump(bucket: Bucket, file: str, fifo: Path) -> None:
    info = bucket.head(f"incoming/{PIPELINE}/{file}")
    with bucket.stream(info) as stream, fifo.open("wb", buffering=0) as pipe:
        while chunk := stream.read(1 << 20):
            view = memoryview(chunk)
            while view:
                view = view[pipe.write(view) :]


if __name__ == "__main__":
    main()
