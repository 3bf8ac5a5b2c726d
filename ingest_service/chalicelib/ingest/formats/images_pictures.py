"""Prove that bytes are a picture: its header first, then every pixel is decoded once."""

import io
import struct
import warnings
import zlib

import msgspec
from PIL import Image, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
MAX_PIXELS = 50_000_000  # larger than any camera's but a few; 150 MB while it is decoded
# What Pillow's decoders raise for bytes that somebody made up.
_UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    MemoryError,
    struct.error,
    zlib.error,
)


class BadPicture(Exception):
    """The bytes are no picture that we take; the message is the rule."""


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """What a picture's header says: ``format`` in lower case, both sides in pixels."""

    format: str
    width: int
    height: int


def check_picture(data: bytes) -> Picture:
    """Return what *data* is, after decoding all of it (of an animation the first picture).

    Raises
    ------
    BadPicture
        No picture, one of another format, damaged, or of more pixels than allowed.
    """
    _check_pixels(*_webp_size(data))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                _check_pixels(*image.size)
                found = Picture(format=str(image.format).lower(), width=image.size[0], height=image.size[1])
                # JPEG can be decoded at an eighth: its data is still read to the end, in little memory.
                image.draft(None, (1, 1))
                image.load()
        except UnidentifiedImageError:
            raise BadPicture("not a PNG, JPEG, WebP, GIF or BMP picture") from None
        except Image.DecompressionBombError:
            raise BadPicture(_TOO_MANY) from None
        except _UNREADABLE:
            raise BadPicture("damaged or cut off") from None
    return found


_TOO_MANY = f"more than {MAX_PIXELS:,} pixels"


def _check_pixels(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise BadPicture(_TOO_MANY)


def _webp_size(data: bytes) -> tuple[int, int]:
    """Return the sides that a WebP file states, (0, 0) for anything else: Pillow makes room for them on opening.

    The places are those of the WebP container specification.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return 0, 0
    if data[12:16] == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if data[12:16] == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    sides = (int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (26, 28))
    return next(sides), next(sides)
