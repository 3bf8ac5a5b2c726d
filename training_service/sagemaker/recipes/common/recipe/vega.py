"""Small Vega-Lite 5 specs with their data inline, drawn by the console without asking anybody."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
MAX_POINTS = 200
type Spec = dict[str, Any]


def spread(count: int, most: int = MAX_POINTS) -> npt.NDArray[np.int64]:
    """Return at most that many positions, evenly spread over `count`."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(np.int64))


def spec(title: str, mark: Any, x: Mapping[str, Any], y: Mapping[str, Any], values: list[Any]) -> Spec:
    """Return a spec with quantitative axes and its data inline."""
    encoding = {"x": {"type": "quantitative", **x}, "y": {"type": "quantitative", **y}}
    return {"$schema": SCHEMA, "title": title, "data": {"values": values}, "mark": mark, "encoding": encoding}
