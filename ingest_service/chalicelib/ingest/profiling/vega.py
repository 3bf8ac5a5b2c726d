"""Plots of a profile as one Vega-Lite page: missing values of all columns, then a plot of each column.

Names and values of users stand in titles and data only, never in a field name or an expression; nothing is loaded.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from chalicelib.ingest.profiling.model import ColumnProfile, Profile

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
MOST_PLOTS = 100  # of columns on one page: more of them no browser draws in a moment
_WIDTH = 480
_SHOWN = 80  # characters of a name or a value

Spec = dict[str, Any]


def page(profile: Profile) -> Spec:
    """Return the plots of *profile* as one specification."""
    shown = profile.columns[:MOST_PLOTS]
    left_out = len(profile.columns) - len(shown)
    more = f", {left_out} not shown" if left_out else ""
    title = f"{profile.row_count:,} rows, {len(profile.columns):,} columns{more}"
    plots = [_missing(shown, profile.row_count), *(plot for column in shown if (plot := plot_column(column)))]
    return {
        "$schema": SCHEMA,
        "title": title,
        "vconcat": plots,
        "resolve": {"scale": {"color": "independent"}},
    }


def plot_column(column: ColumnProfile) -> Spec | None:
    """Return the plot that suits a column; None where there is nothing to see."""
    if column.histogram and not column.top:
        return _histogram(column)
    if column.top:
        return _top(column)
    if column.periods and column.periods.starts:
        return _periods(column)
    return _lengths(column)


def _histogram(column: ColumnProfile) -> Spec:
    assert column.histogram is not None
    edges, counts = column.histogram.edges, column.histogram.counts
    rows = [{"low": edges[i], "high": edges[i + 1], "rows": count} for i, count in enumerate(counts)]
    x = {"field": "low", "type": "quantitative", "bin": {"binned": True}, "title": "value"}
    return _plot(column, rows, {"x": x, "x2": {"field": "high"}, "y": _rows()})


def _top(column: ColumnProfile) -> Spec:
    values = _labels([top.value for top in column.top])
    rows = [{"value": values[i], "rows": top.count, "rank": i} for i, top in enumerate(column.top)]
    sort = {"field": "rank", "order": "ascending"}
    y = {"field": "value", "type": "nominal", "sort": sort, "title": None}
    return _plot(column, rows, {"x": _rows(), "y": y})


def _periods(column: ColumnProfile) -> Spec:
    assert column.periods is not None
    counts = zip(column.periods.starts, column.periods.counts, strict=True)
    rows = [{"start": start, "rows": count} for start, count in counts]
    # UTC, as in the profile; the reader's own zone would move days across midnight.
    x = {"field": "start", "type": "temporal", "scale": {"type": "utc"}, "title": column.periods.unit}
    return _plot(column, rows, {"x": x, "y": _rows()})


def _lengths(column: ColumnProfile) -> Spec | None:
    if not column.lengths or not column.lengths.quantiles:
        return None
    rows = [{"share": name, "length": length} for name, length in column.lengths.quantiles.items()]
    x = {"field": "share", "type": "ordinal", "sort": None, "title": "quantile"}
    return _plot(column, rows, {"x": x, "y": {"field": "length", "type": "quantitative", "title": "length"}})


def _missing(columns: list[ColumnProfile], row_count: int) -> Spec:
    names = _labels([column.name for column in columns])
    rows = [
        {"place": i, "column": names[i], "share": column.missing / row_count}
        for i, column in enumerate(columns)
    ]
    sort = {"field": "place", "order": "ascending"}
    axis = {"format": "%"}
    x = {
        "field": "share",
        "type": "quantitative",
        "scale": {"domain": [0, 1]},
        "axis": axis,
        "title": "missing",
    }
    y = {"field": "column", "type": "nominal", "sort": sort, "title": None}
    return _bars("Missing values", rows, {"x": x, "y": y})


def _plot(column: ColumnProfile, rows: list[dict[str, Any]], encoding: Spec) -> Spec:
    about = f"{column.type}, {column.count:,} values, {column.missing:,} missing"
    return _bars({"text": _short(column.name), "subtitle": about}, rows, encoding)


def _bars(title: str | Spec, rows: list[dict[str, Any]], encoding: Spec) -> Spec:
    mark = {"type": "bar", "tooltip": True}
    return {"title": title, "width": _WIDTH, "data": {"values": rows}, "mark": mark, "encoding": encoding}


def _rows() -> Spec:
    return {"field": "rows", "type": "quantitative", "title": "rows"}


def _labels(texts: Sequence[str]) -> list[str]:
    """Return *texts* shortened; those that then look alike get their number, for a plot would add them up."""
    short = [_short(text) for text in texts]
    times = Counter(short)
    return [f"{text} ({i + 1})" if times[text] > 1 else text for i, text in enumerate(short)]


def _short(text: str) -> str:
    """Return *text* as a title can show it: one line, of a bounded length."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"
