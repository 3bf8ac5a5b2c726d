"""What a linear model can see of a picture: coarse colours, and which way the edges run where.

Edges are counted as in "Histograms of Oriented Gradients for Human Detection" (Dalal and Triggs 2005): directions
without sign in cells, four neighbouring cells normalised together.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from .pictures import Pixels, Shape

# Raise it when any number below or what is done with it changes: a model only understands its own features.
VERSION = 1
MOST_COLOURS = 16
MOST_EDGES = 64
DIRECTIONS = 9
CELLS = (4, 8)
type Features = npt.NDArray[np.float32]


def describe_pictures(pictures: Iterable[Pixels], shape: Shape) -> Features:
    """Return features of shape (pictures, `feature_count`)."""
    rows = [describe(pixels) for pixels in pictures]
    return np.stack(rows) if rows else np.empty((0, feature_count(shape)), dtype=np.float32)


def describe(pixels: Pixels) -> Features:
    """Return the features of one square picture."""
    coarse = _pool(pixels, MOST_COLOURS)
    return np.concatenate([coarse.ravel(), _edges(_pool(pixels, MOST_EDGES).mean(axis=2))]).astype(np.float32)


def feature_count(shape: Shape) -> int:
    """Return how many features a picture of that shape has."""
    return len(describe(np.zeros((shape.size, shape.size, shape.channels), dtype=np.float32)))


def _pool(pixels: Pixels, most: int) -> Pixels:
    """Return the means of blocks of equal size, at most `most` in each direction; a rest at the border is left out."""
    size = len(pixels)
    step = -(-size // most)
    kept = size // step
    cut = pixels[: kept * step, : kept * step]
    return cut.reshape(kept, step, kept, step, -1).mean(axis=(1, 3))


def _edges(grey: Pixels) -> Features:
    down, right = np.gradient(grey)
    strength = np.hypot(down, right)
    turn = np.mod(np.arctan2(down, right), np.pi) / np.pi * DIRECTIONS
    lower = np.floor(turn).astype(np.int64)
    share = turn - lower
    # An edge between two directions counts for both: else a hair's breadth would turn the features over.
    votes = np.zeros((*grey.shape, DIRECTIONS), dtype=np.float32)
    places = np.indices(grey.shape)
    votes[places[0], places[1], lower % DIRECTIONS] = strength * (1 - share)
    votes[places[0], places[1], (lower + 1) % DIRECTIONS] += strength * share
    return _normalise(_cells(votes))


def _cells(votes: Features) -> Features:
    count = min(max(len(votes) // 8, CELLS[0]), CELLS[1])
    edges = np.linspace(0, len(votes), count + 1).round().astype(np.int64)[:-1]
    return np.add.reduceat(np.add.reduceat(votes, edges, axis=0), edges, axis=1)


def _normalise(cells: Features) -> Features:
    blocks = np.concatenate([cells[:-1, :-1], cells[:-1, 1:], cells[1:, :-1], cells[1:, 1:]], axis=2)
    length = np.sqrt((blocks**2).sum(axis=2, keepdims=True) + 1e-4)
    return (blocks / length).ravel()
