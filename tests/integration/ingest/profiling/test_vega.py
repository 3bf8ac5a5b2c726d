"""Plots are valid Vega-Lite whatever the columns are called and hold, and load nothing."""

import json
from datetime import date

import pytest
from chalicelib.ingest.profiling import vega

HOSTILE = 'a"};alert(1)//\n<script>\u202e datum.x[0] ' + "x" * 500


def strings(node):
    if isinstance(node, dict):
        for value in node.values():
            yield from strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value)
    elif isinstance(node, str):
        yield node


@pytest.fixture(scope="module")
def page(profile_of):
    columns = {
        HOSTILE: ("string", [HOSTILE, "{signal: 'width'}", None] * 4),
        HOSTILE + "!": ("number", [i / 3 for i in range(12)]),
        "when": ("date", [date(2026, 1, day) for day in range(1, 13)]),
        "picture": ("binary", [bytes(i) for i in range(1, 13)]),
        "nothing": ("string", [None] * 12),
        "flag": ("boolean", [True, False] * 6),
    }
    return vega.page(profile_of(**columns))


def test_every_column_that_holds_something_has_a_plot(page):
    titles = [plot["title"] for plot in page["vconcat"]]
    assert titles[0] == "Missing values"
    assert len(titles) == 1 + 5
    assert page["title"] == "12 rows, 6 columns"


def test_each_plot_encodes_fields_that_its_data_has(page):
    for plot in page["vconcat"]:
        fields = {channel["field"] for channel in plot["encoding"].values()}
        assert fields
        assert all(fields <= row.keys() for row in plot["data"]["values"])
        assert plot["mark"]["type"] == "bar"
        assert {"x", "y"} <= plot["encoding"].keys()


def test_names_of_users_are_titles_and_data_only(page):
    for plot in page["vconcat"]:
        assert "alert" not in json.dumps(plot["encoding"])
        assert all(key.isidentifier() for row in plot["data"]["values"] for key in row)


def test_long_and_many_line_names_are_one_short_line(page):
    assert all(len(text) <= 90 and text.isprintable() for text in strings(page))


def test_names_that_look_alike_when_shortened_stay_apart(page):
    labels = [row["column"] for row in page["vconcat"][0]["data"]["values"]]
    assert len(set(labels)) == len(labels) == 6


def test_nothing_is_loaded(page):
    assert [text for text in strings(page) if "://" in text] == [vega.SCHEMA]
    assert all(plot["data"].keys() == {"values"} for plot in page["vconcat"])


def test_a_page_of_many_columns_says_what_it_leaves_out(profile_of):
    many = profile_of(**{f"c{i}": ("integer", [1, 2]) for i in range(vega.MOST_PLOTS + 3)})
    page = vega.page(many)
    assert len(page["vconcat"]) == 1 + vega.MOST_PLOTS
    assert page["title"].endswith("103 columns, 3 not shown")
