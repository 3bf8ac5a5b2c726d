"""Make the pictures of this example from the handwritten digits that scikit-learn carries (CC BY 4.0).

Reads the package's `digits.csv.gz` and writes `digits.zip`: one folder per digit, one grey PNG of 8 x 8 pixels per
picture. Run it again and the file comes out byte for byte the same:

    python make_data.py .venv/runtimes/sagemaker-scikit-learn-1.9-0/lib/python3.12/site-packages/sklearn/datasets/data
"""

import csv
import gzip
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

SIDE = 8
BRIGHTEST = 16
# The earliest time a zip can hold: the same on every machine.
MADE_AT = (1980, 1, 1, 0, 0, 0)


def read_digits(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield each picture's digit and its 64 pixels, from 0 (black) to 255, in the order of the package."""
    with gzip.open(folder / "digits.csv.gz", "rt", encoding="ascii", newline="") as rows:
        for row in csv.reader(rows):
            values = [int(float(value)) for value in row]
            yield str(values[-1]), bytes(value * 255 // BRIGHTEST for value in values[:-1])


def encode_png(pixels: bytes) -> bytes:
    """Return a grey PNG."""
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
    rows = b"".join(b"\0" + pixels[start : start + SIDE] for start in range(0, len(pixels), SIDE))
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in parts)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def write_zip(source: Path, target: Path) -> int:
    """Write `digits.zip`; return how many pictures it has."""
    count = 0
    # Stored: the pictures are compressed already.
    with zipfile.ZipFile(target / "digits.zip", "w", zipfile.ZIP_STORED) as archive:
        for count, (digit, pixels) in enumerate(read_digits(source), start=1):
            archive.writestr(zipfile.ZipInfo(f"{digit}/{count:04}.png", MADE_AT), encode_png(pixels))
    return count


if __name__ == "__main__":
    print(f"digits.zip: {write_zip(Path(sys.argv[1]), Path(sys.argv[2] if sys.argv[2:] else '.'))} pictures")
