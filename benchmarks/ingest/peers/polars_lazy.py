"""polars, lazily: one typed scan into a local file, then parts and profile: `python -m ….polars_lazy FILE`.

Where it falls short: it cuts an over-long row to the header's length, so that its last cell vanishes and the row counts
as good; a short row is filled with missing cells.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.ingest.outcome import BUCKET, tell
from benchmarks.ingest.peers import job

NAME = "polars"
ROW_GROUP_ROWS = 61_440
_SCHEMA = dict.fromkeys(job.COLUMNS, pl.String)
_STORE = {
    "aws_endpoint_url": f"http://{job.endpoint()}",
    "aws_allow_http": "true",
    "aws_access_key_id": "a",
    "aws_secret_access_key": "b",
    "aws_region": "us-east-1",
}


def main() -> None:
    """Make a dataset of the file."""
    with tempfile.TemporaryDirectory() as folder:
        staged = Path(folder) / "staged.parquet"
        _scan(sys.argv[1]).sink_parquet(staged, compression="snappy", row_group_size=ROW_GROUP_ROWS)
        rows = pl.scan_parquet(staged)
        bad = (
            rows.filter(pl.col("wrong").is_not_null())
            .select("row", "key", "wrong", "rule", "value")
            .collect()
        )
        good = rows.filter(pl.col("wrong").is_null())
        for side, (low, high) in job.BOUNDS.items():
            part = good.filter(pl.col("bucket").is_between(low, high, closed="left")).select(job.COLUMNS)
            path = f"s3://{BUCKET}/{job.target(NAME, f'{side}/part-0.parquet')}"
            part.sink_parquet(path, storage_options=_STORE, row_group_size=ROW_GROUP_ROWS)
        profile, count = _profile(good)
    job.write_json(NAME, "profile.json", profile)
    job.write_json(NAME, "rejects.json", bad.rows())
    tell(good=count, bad=len(bad))


def _scan(file: str) -> pl.LazyFrame:
    raw = pl.scan_csv(
        f"s3://{BUCKET}/{job.source(file)}",
        schema=_SCHEMA,
        row_index_name="row",
        row_index_offset=job.FIRST_ROW,
        truncate_ragged_lines=True,
        storage_options=_STORE,
    )
    typed = [_typed(name).alias(f"v_{name}") for name in job.COLUMNS]
    checks = [(name, broken, rule) for name in job.COLUMNS for broken, rule in _rules(name)]
    wrong = pl.coalesce(pl.when(broken).then(pl.lit(name)) for name, broken, _ in checks)
    rule = pl.coalesce(pl.when(broken).then(pl.lit(told)) for _, broken, told in checks)
    value = pl.coalesce(pl.when(broken).then(pl.col(name).fill_null("")) for name, broken, _ in checks)
    bucket = pl.col(f"v_{job.KEY}") * job.FACTOR % job.MODULUS % job.BUCKETS
    kept = [pl.col(f"v_{name}").alias(name) for name in job.COLUMNS]
    judged = [wrong.alias("wrong"), rule.alias("rule"), value.alias("value"), bucket.alias("bucket")]
    return raw.with_columns(typed).select("row", pl.col(job.KEY).alias("key"), *kept, *judged)


def _typed(name: str) -> pl.Expr:
    if name in job.INTEGERS:
        return pl.col(name).cast(pl.Int64, strict=False)
    if name in job.NUMBERS:
        return pl.col(name).cast(pl.Float64, strict=False)
    if name == job.TIME:
        return pl.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False)
    return pl.col(name)


def _rules(name: str) -> list[tuple[pl.Expr, str]]:
    text, value = pl.col(name), pl.col(f"v_{name}")
    if name == job.LABEL:
        return [(text.is_null(), "target missing"), (~text.is_in(job.LABELS), "not a known label")]
    if name in job.TEXTS:
        return []
    kind = "a datetime" if name == job.TIME else "an integer" if name in job.INTEGERS else "a number"
    return [(text.is_not_null() & value.is_null(), f"not {kind}")]


def _profile(good: pl.LazyFrame) -> tuple[dict[str, Any], int]:
    numeric = ("age", *job.NUMBERS)
    figures = [pl.len().alias("rows")]
    for name in numeric:
        x = pl.col(name)
        parts = {"count": x.count(), "min": x.min(), "max": x.max(), "mean": x.mean(), "std": x.std()}
        parts |= {f"q{q}": x.quantile(q) for q in job.QUANTILES}
        figures += [figure.alias(f"{name} {part}") for part, figure in parts.items()]
    figures += [pl.col(job.TIME).min().alias("ts min"), pl.col(job.TIME).max().alias("ts max")]
    tops = [good.group_by(name).len().top_k(job.TOP, by="len") for name in (*job.TEXTS, job.LABEL)]
    first, *found = pl.collect_all([good.select(figures), *tops], engine="streaming")
    told = first.to_dicts()[0]
    return {"numbers": told, "top": [frame.rows() for frame in found]}, told["rows"]


main()
