"""Pictures as PNG files made here, byte by byte, and a finished job on them."""

import base64
import json
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

SCHEMA = {"name": "string", "label": "string", "width": "integer", "image": "binary"}
# Adam7: first column, first row, step to the right, step down.
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def make_chunk(kind: bytes, body: bytes) -> bytes:
    """One chunk with its checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def make_png(samples: np.ndarray, *, interlaced: bool = False, extra: bytes = b"") -> bytes:
    """Write samples of shape (height, width, 1 to 4) with 8 bits and no filter."""
    height, width, count = samples.shape
    colour = {1: 0, 3: 2, 2: 4, 4: 6}[count]
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, interlaced)
    steps = PASSES if interlaced else ((0, 0, 1, 1),)
    pieces = [samples[top::down, left::right] for left, top, right, down in steps]
    rows = [b"\0" + row.tobytes() for piece in pieces if piece.size for row in piece]
    data = make_chunk(b"IDAT", zlib.compress(b"".join(rows)))
    return b"\x89PNG\r\n\x1a\n" + make_chunk(b"IHDR", header) + extra + data + make_chunk(b"IEND", b"")


def make_pictures(rows: int, seed: int, side: int = 24) -> pd.DataFrame:
    """Noisy pictures of bars that lie or stand, at any place and of any brightness."""
    random = np.random.default_rng(seed)
    labels = random.choice(["lying", "standing"], rows)
    pictures = []
    for label in labels:
        canvas = random.normal(100, 20, (side, side, 3))
        place = random.integers(2, side - 6)
        bar = canvas[place : place + 4] if label == "lying" else canvas[:, place : place + 4]
        bar += random.choice([-70, 70])
        pictures.append(make_png(canvas.clip(0, 255).astype(np.uint8)))
    names = [f"{label}/{seed}-{row}.png" for row, label in enumerate(labels)]
    return pd.DataFrame({"name": names, "label": labels, "width": side, "image": pictures})


def encoded(content: bytes) -> str:
    """The bytes as a request has them."""
    return base64.b64encode(content).decode("ascii")


@pytest.fixture(scope="session")
def png() -> Callable[..., bytes]:
    return make_png


@pytest.fixture(scope="session")
def chunk() -> Callable[[bytes, bytes], bytes]:
    return make_chunk


@pytest.fixture(scope="session")
def pictures() -> Callable[..., pd.DataFrame]:
    return make_pictures


@pytest.fixture(scope="session")
def picture_job(make_job) -> Callable[..., Any]:
    """Make an image job; without sides on the usual pictures."""

    def make(sides: list[pd.DataFrame] | None = None, champion: Any = None, /, **parameters: Any) -> Any:
        usual = [make_pictures(200, 1), make_pictures(80, 2), make_pictures(220, 3)]
        wanted = {
            "family": "image",
            "task": "image",
            "target": "label",
            "task_options": {"image": {"size": 16, "channels": 1}},
        }
        return make_job(SCHEMA, sides or usual, champion, **(wanted | parameters))

    return make


@pytest.fixture(scope="session")
def seen_pictures(picture_job) -> Any:
    """One finished job, shared by the tests that only look at it."""
    job = picture_job()
    assert job.run() == 0, job.failure
    return job


@pytest.fixture(scope="session")
def ask_pictures(seen_pictures) -> Callable[..., Any]:
    """Send one request to the trained model; return the Flask response."""
    endpoint = seen_pictures.recipe.endpoint
    model = endpoint.model_fn(str(seen_pictures.model))

    def ask(*records: Any, kind: str = "application/json", accept: str = "application/json") -> Any:
        whole = [{"image": encoded(one)} if isinstance(one, bytes) else one for one in records]
        return endpoint.transform_fn(model, json.dumps({"records": whole}), kind, accept)

    return ask
