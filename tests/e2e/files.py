"""One table of deliveries in every form that a file can have, made without the project's own writers."""

import csv
import gzip
import io
import json
import random
import zipfile
import zlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import zstandard

COLUMNS = ("order", "distance_km", "fragile", "carrier", "sent_at", "zip", "late")
ROWS = 400
START = datetime(2026, 3, 1)  # noqa: DTZ001 - files hold times without an offset


def deliveries() -> list[dict[str, Any]]:
    """Return rows whose lateness depends on the distance; every 20th has none."""
    draw = random.Random(11)
    return [_delivery(draw, number) for number in range(ROWS)]


def _delivery(draw: random.Random, number: int) -> dict[str, Any]:
    distance = round(draw.uniform(1, 100), 2)
    return {
        "order": 5_000 + number,
        "distance_km": None if number % 20 == 0 else distance,
        "fragile": draw.random() < 0.5,
        "carrier": draw.choice(["Müller", "Żółw", "Société ; Fils", 'the "fast" one']),
        "sent_at": START + timedelta(minutes=61 * number),
        "zip": f"0{draw.randrange(1_000, 1_050)}",
        "late": "yes" if (distance > 55) != (draw.random() < 0.1) else "no",
    }


def delimited(
    encoding: str = "utf-8", *, delimiter: str = ",", end: str = "\n", decimal: str = ".", missing: str = ""
) -> bytes:
    """Return the rows as delimited text with German times."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end)
    writer.writerow(COLUMNS)
    for row in deliveries():
        distance = (
            missing if row["distance_km"] is None else f"{row['distance_km']:.2f}".replace(".", decimal)
        )
        own = {"distance_km": distance, "fragile": str(row["fragile"]).lower()}
        writer.writerow((row | own | {"sent_at": f"{row['sent_at']:%d.%m.%Y %H:%M}"}).values())
    # A cp1252 file cannot say Żółw.
    return out.getvalue().replace("Żółw", "Zürich" if encoding == "cp1252" else "Żółw").encode(encoding)


def json_lines() -> bytes:
    """Return the rows as JSON Lines; what is missing is absent or null in turn."""
    lines = []
    for number, row in enumerate(deliveries()):
        plain = row | {"sent_at": row["sent_at"].isoformat() + "Z"}
        if row["distance_km"] is None and number % 40:
            del plain["distance_km"]
        lines.append(json.dumps(plain, ensure_ascii=number % 2 == 0))
    return "\n".join(lines).encode()


def parquet(folder: Path) -> bytes:
    """Return the rows as Parquet, typed."""
    source, target = folder / "rows.json", folder / "rows.parquet"
    source.write_bytes(json_lines())
    with duckdb.connect() as connection:
        types = "sent_at: 'TIMESTAMP', zip: 'VARCHAR'"
        read = f"SELECT * REPLACE (sent_at::TIMESTAMP AS sent_at) FROM read_json('{source}', columns = {{"
        kinds = "'order': 'INTEGER', distance_km: 'DOUBLE', fragile: 'BOOLEAN', carrier: 'VARCHAR', "
        connection.execute(f"COPY ({read}{kinds}{types}, late: 'VARCHAR'}})) TO '{target}' (FORMAT parquet)")
    return target.read_bytes()


def table_files(folder: Path) -> dict[str, bytes]:
    """Return the same table by file name."""
    return {
        "windows.csv": delimited("cp1252", delimiter=";", end="\r\n", missing="NA"),
        "excel.csv": delimited("utf-16", delimiter="\t"),
        "old-mac.csv": delimited("utf-8-sig", end="\r"),
        "tabs.tsv": delimited(delimiter="\t"),
        "lines.jsonl.gz": gzip.compress(json_lines()),
        "rows.parquet.zst": zstandard.ZstdCompressor().compress(parquet(folder)),
    }


def pictures() -> bytes:
    """Return a zip of 2 labels with 12 small pictures each."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for label, seed in (("cats", 1), ("dogs", 2)):
            for number in range(12):
                archive.writestr(f"{label}/{number}.png", _png(8, 6, random.Random(100 * seed + number)))
    return out.getvalue()


def _png(width: int, height: int, draw: random.Random) -> bytes:
    lines = b"".join(b"\0" + draw.randbytes(3 * width) for _ in range(height))
    header = width.to_bytes(4) + height.to_bytes(4) + b"\x08\x02\0\0\0"
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4) for kind, body in chunks
    )


def series() -> bytes:
    """Return two shops' sales by day."""
    days = [(shop, (START + timedelta(days=d)).date(), d * 3 % 17 + 0.5) for shop in "AB" for d in range(150)]
    return ("shop,day,sales\n" + "".join(f"{shop},{day},{sold}\n" for shop, day, sold in days)).encode()


def interactions() -> bytes:
    """Return who took what."""
    rows = [(f"u{n % 40}", f"i{n * 7 % 61}", n % 5 + 1) for n in range(600)]
    return ("user,item,rating\n" + "".join(f"{u},{i},{r}\n" for u, i, r in rows)).encode()
