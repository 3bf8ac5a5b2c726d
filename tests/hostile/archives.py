"""Archives of pictures made to harm."""

import io
import random
import struct
import zipfile
import zlib
from typing import Any

from tests.hostile.damage import Damaged
from tests.hostile.judge import File

MIB = 1 << 20
PICTURES: dict[str, Any] = {"task": "image", "target": "label"}


def png(width: int, height: int) -> bytes:
    """Return a picture that claims to have so many pixels and has a few bytes."""
    return _png(width, height, zlib.compress(bytes(4096)))


def _png(width: int, height: int, packed: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", packed), (b"IEND", b"")]
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def huge_pictures() -> bytes:
    """Return pictures of 1.6 * 10^9 pixels each."""
    return zip_of([(f"{'cat' if i % 2 else 'dog'}/{i}.png", png(40_000, 40_000)) for i in range(20)])


def zip_slip() -> bytes:
    """Return pictures that would land outside of any folder."""
    return zip_of([("cat/1.png", png(8, 8)), ("../../../tmp/cat/2.png", png(8, 8))])


def picture_bomb() -> bytes:
    """Return a picture of 300 MB of zeros in 300 KB."""
    return zip_of([("cat/1.png", png(8, 8) + bytes(300 * MIB))])


def zip_of(entries: list[tuple[str, bytes]]) -> bytes:
    """Return an archive of *entries*."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in entries:
            archive.writestr(name, body)
    return out.getvalue()


def picture(chance: random.Random) -> bytes:
    """Return a small picture that decodes."""
    side = chance.randrange(2, 9)
    data = b"".join(b"\0" + chance.randbytes(3 * side) for _ in range(side))
    return _png(side, side, zlib.compress(data))


def pictures(chance: random.Random) -> list[tuple[str, bytes]]:
    """Return 20 to 40 pictures of two labels."""
    count = chance.randrange(20, 40)
    return [(f"{'cat' if i % 2 else 'dog'}/{i}.png", picture(chance)) for i in range(count)]


def broken_archive(chance: random.Random) -> Damaged:
    """Spoil an archive of pictures, so that it is none, leads outside, or has few pictures left."""
    good = pictures(chance)
    whole = zip_of(good)
    directory = whole.index(b"PK\x01\x02")
    name, body = chance.choice(
        [
            ("cut", whole[: chance.randrange(4, len(whole) - 22)]),
            (
                "directory of noise",
                whole[:directory] + chance.randbytes(len(whole) - directory - 22) + whole[-22:],
            ),
            ("endless directory", whole[:-10] + struct.pack("<II", 2**31, directory) + whole[-2:]),
            ("slip", zip_of([*good, (f"{'../' * chance.randrange(1, 9)}cat/x.png", picture(chance))])),
            ("absolute", zip_of([("/cat/x.png", picture(chance)), *good])),
            ("backslash", zip_of([("..\\cat\\x.png", picture(chance)), *good])),
            ("link", _with_link(good)),
            ("encrypted", whole.replace(b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0\1\0")),
            ("overlap", _overlapping(whole)),
            ("no pictures", zip_of([(path, chance.randbytes(500)) for path, _ in good])),
            ("no labels", zip_of([(path.replace("/", "-"), data) for path, data in good])),
            ("only hidden files", zip_of([(f"__MACOSX/{path}", data) for path, data in good])),
            ("bomb", zip_of([*good, ("cat/bomb.png", bytes(chance.randrange(30, 60) << 20))])),
            ("nothing", zip_of([])),
        ]
    )
    file = File(name="a.zip", body=body, definition=PICTURES)
    return Damaged(told=f"pictures, {name}", file=file, end="REJECTED")


def _with_link(entries: list[tuple[str, bytes]]) -> bytes:
    out = io.BytesIO(zip_of(entries))
    with zipfile.ZipFile(out, "a") as archive:
        link = zipfile.ZipInfo("cat/link.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return out.getvalue()


def _overlapping(whole: bytes) -> bytes:
    """Let the second entry of the directory be where the first one is."""
    second = whole.index(b"PK\x01\x02", whole.index(b"PK\x01\x02") + 4)
    return whole[: second + 42] + bytes(4) + whole[second + 46 :]
