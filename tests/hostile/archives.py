"""Archives of pictures made to harm."""

import io
import struct
import zipfile
import zlib

MIB = 1 << 20


def png(width: int, height: int) -> bytes:
    """Return a picture that claims to have so many pixels and has a few bytes."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))]
    chunks += [(b"IDAT", zlib.compress(bytes(4096))), (b"IEND", b"")]
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
