"""Our reader of PNG against Pillow's, and against damage."""

import subprocess
import zlib

import numpy as np
import pytest

MODES = ["1", "L", "P", "P with alpha", "LA", "RGB", "RGBA", "I;16"]
WITH_PILLOW = """
import sys
from pathlib import Path
from PIL import Image
folder = Path(sys.argv[1])
base = Image.radial_gradient("L").resize((37, 29))
colour = Image.merge("RGB", [base, base.rotate(90), base.transpose(Image.Transpose.FLIP_LEFT_RIGHT)])
alpha = Image.linear_gradient("L").resize((37, 29))
palette = colour.quantize(40)
made = {"1": base.convert("1"), "L": base, "P": palette, "LA": Image.merge("LA", [base, alpha]), "RGB": colour}
made["RGBA"] = Image.merge("RGBA", [*colour.split(), alpha])
made["I;16"] = base.convert("I;16").point(lambda v: v * 257)
for mode, picture in made.items():
    picture.save(folder / f"{mode}.png")
    shown = base if mode == "I;16" else picture
    (folder / f"{mode}.raw").write_bytes(shown.convert("RGBA").tobytes())
palette.save(folder / "P with alpha.png", transparency=bytes(range(0, 200, 5)))
(folder / "P with alpha.raw").write_bytes(Image.open(folder / "P with alpha.png").convert("RGBA").tobytes())
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory, tools_python):
    folder = tmp_path_factory.mktemp("png")
    subprocess.run([str(tools_python), "-c", WITH_PILLOW, str(folder)], check=True)
    return folder


@pytest.fixture(scope="module")
def decode(recipe_of):
    assert recipe_of("image").family.name == "image"
    from image.png import decode_png

    return lambda content, most=1 << 24: decode_png(content, most)


def rgba(samples: np.ndarray) -> np.ndarray:
    """The samples as Pillow's RGBA has them."""
    count = samples.shape[2]
    colours = np.repeat(samples[:, :, :1], 3, axis=2) if count < 3 else samples[:, :, :3]
    alpha = samples[:, :, -1:] if count in (2, 4) else np.full_like(samples[:, :, :1], 255)
    return np.concatenate([colours, alpha], axis=2)


@pytest.mark.parametrize("mode", MODES)
def test_every_kind_that_pillow_writes_is_read_as_pillow_reads_it(decode, written, mode):
    ours = rgba(decode((written / f"{mode}.png").read_bytes()))
    theirs = np.frombuffer((written / f"{mode}.raw").read_bytes(), np.uint8).reshape(29, 37, 4)
    assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (3, 2), (8, 8), (13, 21)])
def test_interlaced_pictures_are_put_together(decode, png, count, size):
    samples = np.random.default_rng(0).integers(0, 256, (*size, count), dtype=np.uint8)
    assert np.array_equal(decode(png(samples, interlaced=True)), samples)
    assert np.array_equal(decode(png(samples)), samples)


@pytest.mark.parametrize("way", [0, 1, 2, 3, 4])
def test_every_filter_is_undone(decode, png, chunk, way):
    """Filtered here as the standard says, one byte at a time."""
    plain = np.random.default_rng(way).integers(0, 256, (5, 7, 3)).astype(int)
    rows = []
    for y in range(5):
        row = [way]
        for x in range(7):
            for c in range(3):
                a = plain[y, x - 1, c] if x else 0
                b = plain[y - 1, x, c] if y else 0
                corner = plain[y - 1, x - 1, c] if x and y else 0
                best = min((a, b, corner), key=lambda one, p=a + b - corner: abs(p - one))
                row.append((plain[y, x, c] - (0, a, b, (a + b) // 2, best)[way]) % 256)
        rows.append(bytes(row))
    whole = png(plain.astype(np.uint8))
    start = whole.index(b"IDAT") - 4
    content = whole[:start] + chunk(b"IDAT", zlib.compress(b"".join(rows))) + chunk(b"IEND", b"")
    assert np.array_equal(decode(content), plain)


def test_any_damaged_byte_or_missing_end_is_an_error_and_nothing_else(decode, png):
    from image.failure import PictureError

    content = png(np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3))
    for place in range(8, len(content)):
        with pytest.raises(PictureError):
            decode(content[:place])
        flipped = content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :]
        with pytest.raises(PictureError):
            decode(flipped)


def test_a_small_file_that_would_fill_the_memory_is_refused_by_its_header(decode, png):
    from image.failure import PictureError

    bomb = png(np.zeros((2000, 2000, 1), dtype=np.uint8))
    assert len(bomb) < 10_000
    with pytest.raises(PictureError, match="2000 x 2000 pixels, more than 1,000,000"):
        decode(bomb, 1_000_000)
