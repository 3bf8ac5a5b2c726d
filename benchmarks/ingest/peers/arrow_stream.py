"""pyarrow as a stream of batches: `python -m benchmarks.ingest.peers.arrow_stream FILE`.

The best of the four at bad rows: one of another number of cells is handed over with its text, and with its number
where one thread reads. Where it falls short: its strptime takes 31 February for a day.
"""

import sys
from collections import Counter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
from pyarrow import fs

from benchmarks.ingest.outcome import BUCKET, tell
from benchmarks.ingest.peers import job

NAME = "pyarrow"
BLOCK_BYTES = 8 << 20
_FORMS = {
    **dict.fromkeys(job.INTEGERS, (r"^-?[0-9]{1,18}$", pa.int64(), "not an integer")),
    **dict.fromkeys(job.NUMBERS, (r"^-?[0-9]*\.?[0-9]*$", pa.float64(), "not a number")),
}


class Ingest:
    """Validates batch by batch."""

    def __init__(self) -> None:
        self.malformed: list[tuple[Any, ...]] = []
        self.rejects: list[tuple[Any, ...]] = []
        self.good = 0
        self._read = 0
        self._writers: dict[str, tuple[Any, Any]] = {}
        self._numbers: dict[str, list[Any]] = {name: [] for name in ("age", *job.NUMBERS)}
        self._digests: dict[str, list[Any]] = {name: [] for name in self._numbers}
        self._counts = {name: Counter[Any]() for name in (*job.TEXTS, job.LABEL)}

    def malformed_row(self, row: Any) -> str:
        """Keep a row that has not the header's number of cells, with its text."""
        # The text has lost its quotes and its end; the key is what stands before the first comma.
        self.malformed.append(
            (row.number, row.text.partition(",")[0], None, "wrong number of cells", row.text[:100])
        )
        return "skip"

    def add(self, batch: pa.RecordBatch) -> None:
        """Judge, part and describe one batch of texts."""
        table, wrong = _judged(pa.Table.from_batches([batch]))
        bad = pc.is_valid(wrong)
        self._reject(batch, wrong, bad)
        good = table.filter(pc.invert(bad))
        self.good += len(good)
        self._read += len(batch)
        self._describe(good)
        bucket = _modulo(_modulo(pc.multiply(good[job.KEY], job.FACTOR), job.MODULUS), job.BUCKETS)
        for side, (low, high) in job.BOUNDS.items():
            chosen = pc.and_(pc.greater_equal(bucket, low), pc.less(bucket, high))
            self._writer(side, good.schema).write_table(good.filter(chosen))

    def close(self) -> None:
        """End the parts; put the numbers of rows right by the malformed ones before them."""
        for upload, writer in self._writers.values():
            writer.close()
            upload.close()

    @property
    def profile(self) -> dict[str, Any]:
        """The figures of every column."""
        told: dict[str, Any] = {}
        for name, parts in self._numbers.items():
            count = sum(part["count"] for part in parts)
            mean = sum(part["sum"] for part in parts) / count
            squares = sum(part["squares"] for part in parts) / count
            ends = {"min": min(p["min"] for p in parts), "max": max(p["max"] for p in parts)}
            quantiles = pc.tdigest(pa.chunked_array(self._digests[name]), q=list(job.QUANTILES)).to_pylist()
            std = (squares - mean * mean) ** 0.5
            told[name] = {"count": count, "mean": mean, "std": std, **ends, "quantiles": quantiles}
        tops = {name: {"top": counts.most_common(job.TOP)} for name, counts in self._counts.items()}
        return told | tops

    def _reject(self, batch: pa.RecordBatch, wrong: Any, bad: Any) -> None:
        places = pc.indices_nonzero(bad)
        rows = batch.take(places).to_pylist()
        for place, name, row in zip(places.to_pylist(), wrong.take(places).to_pylist(), rows, strict=True):
            value = row[name] or ""
            self.rejects.append((self._read + place, row[job.KEY], name, _rule(name, value), value))

    def _describe(self, good: pa.Table) -> None:
        for name, parts in self._numbers.items():
            x = good[name].cast(pa.float64())
            ends = pc.min_max(x).as_py()
            squares = pc.sum(pc.multiply(x, x)).as_py()
            parts.append({"count": pc.count(x).as_py(), "sum": pc.sum(x).as_py(), "squares": squares, **ends})
            step = pa.array(range(0, len(x), max(1, len(x) // 4096)))
            self._digests[name].append(x.take(step).combine_chunks())
        for name, counts in self._counts.items():
            found = good[name].value_counts()
            counts.update(dict(zip(found.field(0).to_pylist(), found.field(1).to_pylist(), strict=True)))

    def _writer(self, side: str, schema: pa.Schema) -> Any:
        if side not in self._writers:
            upload = job.Upload(job.target(NAME, f"{side}/part-0.parquet"))
            self._writers[side] = (upload, pq.ParquetWriter(upload, schema, compression="zstd"))
        return self._writers[side][1]


def main() -> None:
    """Make a dataset of the file."""
    ingest = Ingest()
    store = fs.S3FileSystem(
        access_key="a", secret_key="b", scheme="http", endpoint_override=job.endpoint(), region="us-east-1"
    )
    with store.open_input_stream(f"{BUCKET}/{job.source(sys.argv[1])}") as stream:
        batches = pcsv.open_csv(
            stream,
            # With threads it does not know the number of a malformed row.
            read_options=pcsv.ReadOptions(block_size=BLOCK_BYTES, use_threads=False),
            parse_options=pcsv.ParseOptions(
                newlines_in_values=True, invalid_row_handler=ingest.malformed_row
            ),
            convert_options=pcsv.ConvertOptions(
                column_types=dict.fromkeys(job.COLUMNS, pa.string()),
                strings_can_be_null=True,
                null_values=[""],
            ),
        )
        for batch in batches:
            ingest.add(batch)
    ingest.close()
    rejects = numbered(ingest)
    job.write_json(NAME, "profile.json", ingest.profile)
    job.write_json(NAME, "rejects.json", rejects)
    tell(good=ingest.good, bad=len(rejects))


def numbered(ingest: Ingest) -> list[tuple[Any, ...]]:
    """Return all bad rows with the numbers that they have in the file, where malformed rows count too."""
    skipped = sorted(number for number, *_ in ingest.malformed)
    rejects: list[tuple[Any, ...]] = list(ingest.malformed)
    before = 0
    for place, *told in ingest.rejects:
        while before < len(skipped) and skipped[before] <= place + before + job.FIRST_ROW:
            before += 1
        rejects.append((place + before + job.FIRST_ROW, *told))
    return sorted(rejects, key=lambda reject: reject[0])


def _judged(raw: pa.Table) -> tuple[pa.Table, Any]:
    columns, wrong = {}, pa.nulls(len(raw), pa.string())
    for name in reversed(job.COLUMNS):
        columns[name], broken = _typed(name, raw[name])
        if broken is not None:
            wrong = pc.if_else(broken, name, wrong)
    return pa.table({name: columns[name] for name in job.COLUMNS}), wrong


def _typed(name: str, text: Any) -> tuple[Any, Any]:
    """Return the values of a column and where it is wrong, None where it cannot be."""
    if name in _FORMS:
        pattern, kind, _ = _FORMS[name]
        # Its cast raises at the first wrong text: those must be gone before.
        fits = pc.match_substring_regex(text, pattern)
        return pc.if_else(fits, text, None).cast(kind), pc.fill_null(pc.invert(fits), name == job.KEY)
    if name == job.TIME:
        value = pc.strptime(text, format="%Y-%m-%dT%H:%M:%S", unit="us", error_is_null=True)
        return value, pc.and_(pc.is_null(value), pc.is_valid(text))
    if name == job.LABEL:
        return text, pc.invert(pc.is_in(text, pa.array(job.LABELS)))
    return text, None


def _rule(name: str, value: str) -> str:
    if name == job.LABEL:
        return "not a known label" if value else "target missing"
    return "not a datetime" if name == job.TIME else _FORMS[name][2]


def _modulo(values: Any, by: int) -> Any:
    return pc.subtract(values, pc.multiply(pc.divide(values, by), by))


main()
