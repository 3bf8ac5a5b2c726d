"""The routes that draw a profile and compare two."""

import json

import pytest

from tests.unit.ingest.rest import Rest, make_rest
from tests.unit.ingest.world import World, make_csv


@pytest.fixture
def rest(monkeypatch) -> Rest:
    world = World()
    world.define()
    return make_rest(world, monkeypatch)


def longer(rows: int) -> bytes:
    """A file of other rows, for the same content would be a duplicate."""
    return make_csv(rows)


def test_two_versions_are_compared_by_any_of_their_names(rest):
    first = rest.world.upload(longer(200), "a.csv")
    rest.world.upload(longer(300), "b.csv")
    for before, after in (("d1", "d2"), (first.version, "latest")):
        status, shown, _ = rest("GET", f"/v1/datasets/trips/diff?from={before}&to={after}")
        assert status == 200
        assert (shown["from"], shown["to"], shown["rows"]) == ("d1", "d2", {"from": 200, "to": 300})
        assert {column["change"] for column in shown["columns"]} <= {"same", "changed"}
        assert len(shown["columns"]) == len(rest("GET", "/v1/datasets/trips/d1/profile")[1]["columns"])


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("", 400, "name two versions"),
        ("?from=d1", 400, "name two versions"),
        ("?from=d1&to=d9", 404, "d9"),
        ("?from=d1&to=d2", 409, "d2 is REJECTED"),
    ],
)
def test_what_cannot_be_compared_is_said(rest, query, status, says):
    rest.world.upload(longer(200), "a.csv")
    rest.world.upload(b"", "b.csv")
    found, problem, _ = rest("GET", f"/v1/datasets/trips/diff{query}")
    assert found == status
    assert says in problem["detail"]


def test_another_tokens_versions_are_not_compared(rest):
    rest.token.pipelines = ("flights",)
    assert rest("GET", "/v1/datasets/trips/diff?from=d1&to=d2")[0] == 404


def test_the_plots_of_a_version_are_a_vega_lite_page(rest):
    rest.world.upload(longer(200), "a.csv")
    status, page, _ = rest("GET", "/v1/datasets/trips/latest/profile/plots")
    assert status == 200
    assert page["$schema"].startswith("https://vega.github.io/schema/vega-lite/")
    assert page["title"].startswith("200 rows, ")
    assert json.dumps(page)


def test_a_version_without_a_profile_has_no_plots(rest):
    rest.world.upload(b"", "a.csv")
    assert rest("GET", "/v1/datasets/trips/latest/profile/plots")[0] == 404
