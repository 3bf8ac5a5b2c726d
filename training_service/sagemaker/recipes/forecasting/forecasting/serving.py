"""How a forecasting model is asked: `{"series": …, "horizon"?}` in, the next points with their intervals out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from recipe.artifact import MODEL_FILE
from recipe.requests import RequestError, read_column, read_records
from recipe.serving import Body, Serving
from recipe.signature import Input
from recipe.times import format_time

from .features import Question
from .grid import Indices, Times
from .panel import Cells, Key
from .predictor import Forecast, Predictor
from .state import FORECAST_FILE, HISTORY_FILE, load

MAX_POINTS = 100_000
DIGITS = 10


@dataclass(frozen=True, kw_only=True)
class Wish:
    """One record: which series, and how many steps ahead."""

    key: Key
    horizon: int


def parse(body: Body, content_type: str, model: Predictor) -> list[Wish]:
    """Return what is asked; raise `RequestError` naming the record that is wrong.

    In a CSV the members of a series of several columns are columns such as `series.shop`.
    """
    inputs = {taken.name: taken for taken in model.signature.inputs}
    parts = _parts(inputs.get("series"))
    kinds = {name: part.type for name, part in parts.items()} | {"horizon": "integer"}
    records = [_flatten(record, parts) for record in read_records(body, content_type, kinds)]
    keys = _keys(records, parts)
    horizons = _horizons(records, inputs["horizon"], model)
    wishes = [Wish(key=key, horizon=int(steps)) for key, steps in zip(keys, horizons, strict=True)]
    if len(model.panel.keys) == 1 and parts:
        _refuse_unknown(wishes, model)
    return wishes


def _horizons(records: Sequence[dict[str, Any]], taken: Input, model: Predictor) -> Indices:
    asked = read_column(records, taken)
    horizons = np.where(np.isnan(asked), model.shape.horizon, asked).astype(np.int64)
    for place, horizon in enumerate(horizons):
        if not 1 <= horizon <= model.shape.horizon:
            raise RequestError(
                400,
                f"Record {place}: the horizon is {horizon}; this model forecasts 1 to {model.shape.horizon} steps.",
            )
    if horizons.sum() > MAX_POINTS:
        raise RequestError(
            400, f"{horizons.sum()} points are asked for; at most {MAX_POINTS} fit into one answer."
        )
    return horizons


def _parts(series: Input | None) -> dict[str, Input]:
    """Return the inputs a series is named by, each under the name it has in a flat record."""
    if series is None:
        return {}
    return {f"series.{f.name}": f for f in series.fields} if series.fields else {"series": series}


def _flatten(record: dict[str, Any], parts: Mapping[str, Input]) -> dict[str, Any]:
    series = record.get("series")
    if "series" in parts or not isinstance(series, dict):
        return record
    return {**{f"series.{name}": value for name, value in series.items()}, "horizon": record.get("horizon")}


def _keys(records: Sequence[dict[str, Any]], parts: Mapping[str, Input]) -> list[Key]:
    if not parts:
        return [()] * len(records)
    _refuse_unnamed(records, parts)
    renamed = [Input(name=name, type=part.type, required=True) for name, part in parts.items()]
    columns = [read_column(records, taken).tolist() for taken in renamed]
    plain = [[int(v) if isinstance(v, float) else v for v in column] for column in columns]
    return list(zip(*plain, strict=True))


def _refuse_unnamed(records: Sequence[dict[str, Any]], parts: Mapping[str, Input]) -> None:
    for place, record in enumerate(records):
        lacking = [name for name in parts if record.get(name) is None]
        if lacking:
            raise RequestError(400, f"Record {place} does not say which series: '{lacking[0]}' is missing.")


def _refuse_unknown(wishes: Sequence[Wish], model: Predictor) -> None:
    # With one known series there are no others whose mean could stand in for a new one.
    for place, wish in enumerate(wishes):
        if wish.key not in model.panel.keys:
            raise RequestError(400, f"Record {place}: the series {json.dumps(wish.key)[:80]} is not known.")


def answer(model: Predictor, wishes: Sequence[Wish]) -> list[dict[str, Any]]:
    """Return the points of every record; a new series is forecast as the mean of the others."""
    keys = {key: place for place, key in enumerate(model.panel.keys)}
    new = sorted({wish.key for wish in wishes if wish.key not in keys}, key=repr)
    panel = model.panel.with_new(new)
    places = keys | {key: len(keys) + place for place, key in enumerate(new)}
    horizons = np.array([wish.horizon for wish in wishes])
    series = np.repeat([places[wish.key] for wish in wishes], horizons)
    step: Indices = np.concatenate([np.arange(1, horizon + 1) for horizon in horizons])
    origin = np.full(len(step), panel.end)
    forecast = model.forecast(panel, Question(cells=Cells(series=series, index=origin + step), origin=origin))
    points = _points(forecast, panel.grid.time_of(origin + step))
    ends = np.cumsum(horizons).tolist()
    return [{"points": points[end - wish.horizon : end]} for wish, end in zip(wishes, ends, strict=True)]


def _points(forecast: Forecast, moments: Times) -> list[dict[str, Any]]:
    times = [format_time(time) for time in moments]
    low, high = forecast.value - forecast.half_width, forecast.value + forecast.half_width
    return [
        {"time": time, "value": value, "interval": [least, most]}
        for time, value, least, most in zip(times, *_rounded(forecast.value, low, high), strict=True)
    ]


def _rounded(*columns: Any) -> list[list[float]]:
    """Return plain numbers; the last bits, which say nothing, depend on how many records were asked at once."""
    return [[float(f"{value:.{DIGITS}g}") for value in column] for column in columns]


def tabulate(_model: Predictor, predictions: Sequence[dict[str, Any]]) -> list[list[Any]]:
    """Return a row per point: the record's number, its time, value and interval."""
    rows: list[list[Any]] = [["record", "time", "value", "low", "high"]]
    for place, one in enumerate(predictions):
        rows += [[place, point["time"], point["value"], *point["interval"]] for point in one["points"]]
    return rows


SERVING = Serving(
    files=(MODEL_FILE, FORECAST_FILE, HISTORY_FILE), load=load, parse=parse, answer=answer, tabulate=tabulate
)
