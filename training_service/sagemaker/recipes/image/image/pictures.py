"""From the bytes of a picture file to pixels of one size.

PNG is read everywhere, by `png`. The other formats need Pillow, which AWS's prebuilt image does not have: where it
is installed (an image of the user's own), they are read, too.
"""

import importlib
import io
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .failure import PictureError
from .png import SIGNATURE, decode_png


def _find_pillow() -> Any:
    try:
        return importlib.import_module("PIL.Image")
    except ImportError:
        return None


pillow = _find_pillow()

MAX_PIXELS = 4096 * 4096
MAGIC = {b"\xff\xd8\xff": "JPEG", b"GIF8": "GIF", b"BM": "BMP", b"RIFF": "WebP"}
type Pixels = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What every picture is made into: a square of `size` pixels with 1 (grey) or 3 (colour) channels."""

    size: int
    channels: int


def read_picture(content: bytes, shape: Shape, max_pixels: int = MAX_PIXELS) -> Pixels:
    """Return pixels from 0 to 1 of shape (size, size, channels); what is transparent is white.

    Raises
    ------
    PictureError
        It is no picture, damaged, too large, or of a format that cannot be read here.
    """
    samples = _decode(content, max_pixels)
    colours = _flatten(samples.astype(np.float32) / 255.0)
    if shape.channels == 1 and colours.shape[2] == 3:
        # The weights of brightness of ITU-R BT.601, as Pillow has them.
        colours = colours @ np.array([[0.299], [0.587], [0.114]], dtype=np.float32)
    if shape.channels == 3 and colours.shape[2] == 1:
        colours = np.repeat(colours, 3, axis=2)
    return _resize(_resize(colours, shape.size, 0), shape.size, 1)


def pixel_count(content: bytes) -> int:
    """Return how many pixels a PNG says it has, 0 for what is none: known before anything is unpacked."""
    if not content.startswith(SIGNATURE) or len(content) < 24:
        return 0
    return int.from_bytes(content[16:20]) * int.from_bytes(content[20:24])


def _decode(content: bytes, max_pixels: int) -> npt.NDArray[np.uint8]:
    if content.startswith(SIGNATURE):
        return decode_png(content, max_pixels)
    kind = next((name for magic, name in MAGIC.items() if content.startswith(magic)), None)
    if kind is None:
        raise PictureError("is not a picture")
    if pillow is None:
        raise PictureError(f"is {kind}; this container has no Pillow and reads PNG only")
    return _decode_with_pillow(content, max_pixels)


def _decode_with_pillow(content: bytes, max_pixels: int) -> npt.NDArray[np.uint8]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pillow.DecompressionBombWarning)
            with pillow.open(io.BytesIO(content)) as picture:
                if picture.width * picture.height > max_pixels:
                    raise PictureError(
                        f"has {picture.width} x {picture.height} pixels, more than {max_pixels:,}"
                    )
                return np.asarray(picture.convert("RGBA"))
    except (OSError, ValueError, SyntaxError, Warning, pillow.DecompressionBombError) as error:
        raise PictureError(f"cannot be read: {error}") from error


def _flatten(samples: Pixels) -> Pixels:
    """Lay what is transparent on white; return (height, width, 1 or 3)."""
    if samples.shape[2] in (1, 3):
        return samples
    colours, alpha = samples[:, :, :-1], samples[:, :, -1:]
    return colours * alpha + (1.0 - alpha)


def _resize(pixels: Pixels, size: int, axis: int) -> Pixels:
    """Return the mean of the area that each new pixel covers, along one axis; smaller pictures are stretched."""
    moved = np.moveaxis(pixels, axis, 0).astype(np.float64)
    count = len(moved)
    if count == size:
        return pixels
    sums = np.concatenate([np.zeros((1, *moved.shape[1:])), np.cumsum(moved, axis=0)])
    edges = np.linspace(0, count, size + 1)
    whole = np.minimum(edges.astype(np.int64), count - 1)
    part = (edges - whole)[:, None, None]
    # The sum up to any edge, which may lie within a pixel.
    upto = sums[whole] + part * moved[whole]
    means = np.diff(upto, axis=0) * (size / count)
    return np.moveaxis(means, 0, axis).astype(np.float32)
