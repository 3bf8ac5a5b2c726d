"""A reader of PNG in numpy: AWS's prebuilt image has no Pillow, and nothing compiled may travel with a recipe.

Every kind the standard has is read (W3C Portable Network Graphics, third edition): grey, colour and palette, 1 to 16
bits, alpha, interlaced. Damage is an error; the checksum of every chunk is compared.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .failure import PictureError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# How many samples a pixel has, by colour type.
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
PALETTE = 3
# Adam7: first column, first row, step to the right, step down.
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
type Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Header:
    """What the first chunk says."""

    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool

    @property
    def bits(self) -> int:
        """How many bits a pixel has."""
        return self.depth * SAMPLES[self.colour]


def decode_png(content: bytes, max_pixels: int) -> Bytes:
    """Return the picture as bytes of shape (height, width, samples): grey, grey + alpha, RGB or RGBA.

    Raises
    ------
    PictureError
        It is damaged, no PNG of the standard, or has more than `max_pixels`.
    """
    chunks = list(_chunks(content))
    header = _header(chunks, max_pixels)
    data = _inflate(b"".join(body for kind, body in chunks if kind == b"IDAT"), _raw_size(header))
    samples = (
        _deinterlace(data, header) if header.interlaced else _rows(data, header.width, header.height, header)
    )
    if header.colour == PALETTE:
        return _look_up(samples[:, :, 0], dict(chunks))
    if header.depth < 8:
        return (samples * (255 // (2**header.depth - 1))).astype(np.uint8)
    return samples


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = len(SIGNATURE)
    while place + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, place)
        kind, body = content[place + 4 : place + 8], content[place + 8 : place + 8 + length]
        if len(content) < place + 12 + length:
            break
        (checksum,) = struct.unpack_from(">I", content, place + 8 + length)
        if zlib.crc32(body, zlib.crc32(kind)) != checksum:
            raise PictureError("is a damaged PNG: a checksum is wrong")
        yield kind, body
        if kind == b"IEND":
            return
        place += 12 + length
    raise PictureError("is a damaged PNG: it ends too early")


def _header(chunks: list[tuple[bytes, bytes]], max_pixels: int) -> Header:
    kind, body = chunks[0]
    if kind != b"IHDR" or len(body) != 13:
        raise PictureError("is a damaged PNG: it does not begin with its header")
    width, height, depth, colour, packing, filtering, interlace = struct.unpack(">IIBBBBB", body)
    if width * height > max_pixels:
        raise PictureError(f"has {width} x {height} pixels, more than {max_pixels:,}")
    known = depth in DEPTHS.get(colour, ()) and (packing, filtering) == (0, 0) and interlace in (0, 1)
    if not known or not width * height:
        raise PictureError("is no PNG of the standard")
    return Header(width=width, height=height, depth=depth, colour=colour, interlaced=bool(interlace))


def _sizes(header: Header) -> list[tuple[int, int]]:
    return [
        (-(-(header.width - left) // right), -(-(header.height - top) // down))
        for left, top, right, down in PASSES
    ]


def _row_bytes(width: int, header: Header) -> int:
    return -(-width * header.bits // 8)


def _raw_size(header: Header) -> int:
    sizes = _sizes(header) if header.interlaced else [(header.width, header.height)]
    return sum((1 + _row_bytes(w, header)) * h for w, h in sizes if w > 0 and h > 0)


def _inflate(packed: bytes, size: int) -> Bytes:
    try:
        # Never more than the header promised, so that a small file cannot fill the memory.
        raw = zlib.decompressobj().decompress(packed, size)
    except zlib.error as error:
        raise PictureError("is a damaged PNG: its data cannot be unpacked") from error
    if len(raw) < size:
        raise PictureError("is a damaged PNG: rows are missing")
    return np.frombuffer(raw, dtype=np.uint8)


def _rows(data: Bytes, width: int, height: int, header: Header) -> Bytes:
    """Return samples of shape (height, width, samples) of one picture or one pass; of 16 bits the upper 8."""
    lines = data.reshape(height, 1 + _row_bytes(width, header))
    if lines[:, 0].max() > 4:
        raise PictureError("is a damaged PNG: a row has an unknown filter")
    plain = _unfilter(lines[:, 0], lines[:, 1:], max(1, header.bits // 8))
    count = SAMPLES[header.colour]
    if header.depth == 16:
        return plain.reshape(height, width, count, 2)[:, :, :, 0]
    if header.depth == 8:
        return plain.reshape(height, width, count)
    # Depths below 8 have one sample per pixel, the first one in the upper bits.
    bits = np.unpackbits(plain, axis=1)[:, : width * header.depth].reshape(height, width, header.depth)
    return np.packbits(bits, axis=2) >> (8 - header.depth)


def _unfilter(filters: Bytes, lines: Bytes, step: int) -> Bytes:
    """Undo the row filters along diagonals: each byte needs those to the left and above, all of a diagonal at once."""
    if not filters.any():
        return lines
    height, width = lines.shape[0], lines.shape[1] // step
    given = lines.reshape(height, width, step).astype(np.int16)
    plain = np.zeros((height + 1, width + 1, step), dtype=np.int16)
    for diagonal in range(height + width - 1):
        rows = np.arange(max(0, diagonal - width + 1), min(height, diagonal + 1))
        columns = diagonal - rows
        left, above, corner = plain[rows + 1, columns], plain[rows, columns + 1], plain[rows, columns]
        ways = [np.zeros_like(left), left, above, (left + above) >> 1, _paeth(left, above, corner)]
        guess = np.choose(filters[rows][:, None], ways)
        plain[rows + 1, columns + 1] = (given[rows, columns] + guess) & 255
    return plain[1:, 1:].reshape(height, -1).astype(np.uint8)


def _paeth(
    left: npt.NDArray[np.int16], above: npt.NDArray[np.int16], corner: npt.NDArray[np.int16]
) -> npt.NDArray[np.int16]:
    to_left, to_above = np.abs(above - corner), np.abs(left - corner)
    to_corner = np.abs(left + above - 2 * corner)
    nearest = np.where(to_above <= to_corner, above, corner)
    return np.where((to_left <= to_above) & (to_left <= to_corner), left, nearest)


def _deinterlace(data: Bytes, header: Header) -> Bytes:
    whole = np.zeros((header.height, header.width, SAMPLES[header.colour]), dtype=np.uint8)
    place = 0
    for (left, top, right, down), (width, height) in zip(PASSES, _sizes(header), strict=True):
        if width > 0 and height > 0:
            size = (1 + _row_bytes(width, header)) * height
            whole[top::down, left::right] = _rows(data[place : place + size], width, height, header)
            place += size
    return whole


def _look_up(codes: Bytes, chunks: dict[bytes, bytes]) -> Bytes:
    palette = np.frombuffer(chunks.get(b"PLTE", b""), dtype=np.uint8)
    if len(palette) % 3 or codes.max(initial=0) * 3 >= len(palette):
        raise PictureError("is a damaged PNG: a colour is not in its palette")
    colours = palette.reshape(-1, 3)
    alpha = np.frombuffer(chunks.get(b"tRNS", b""), dtype=np.uint8)[: len(colours)]
    if not len(alpha):
        return colours[codes]
    opaque = np.pad(alpha, (0, len(colours) - len(alpha)), constant_values=255)
    return np.column_stack([colours, opaque])[codes]
