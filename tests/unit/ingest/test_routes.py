"""The REST routes, through Chalice itself: who may, what comes back, what is refused and how."""

from typing import Any

import pytest
from chalice.test import Client

from shared.entities.dataset import DatasetState

DEFINITION = {"name": "trips", "task": "classification", "target": "late"}


def test_a_pipeline_is_created_read_replaced_and_removed(rest):
    status, made, headers = rest("PUT", "/v1/pipelines/flights", DEFINITION | {"name": "flights"})
    assert (status, made["rev"], headers["ETag"]) == (201, 1, '"1"')
    assert made["definition"]["split"]["test"] == "20%"
    assert made["definition"]["task"] == "classification"
    status, made, headers = rest(
        "PUT", "/v1/pipelines/flights", DEFINITION | {"name": "flights", "target": "y"}
    )
    assert (status, headers["ETag"]) == (200, '"2"')
    assert rest("GET", "/v1/pipelines/flights")[1]["definition"]["target"] == "y"
    assert [p["pipeline"] for p in rest("GET", "/v1/pipelines")[1]["pipelines"]] == ["flights", "trips"]
    assert rest("DELETE", "/v1/pipelines/flights")[0] == 200
    assert rest("GET", "/v1/pipelines/flights")[0] == 404


def test_a_stale_if_match_changes_nothing(rest):
    assert rest("PUT", "/v1/pipelines/trips", DEFINITION, If_Match='"7"')[0] == 412
    assert rest("DELETE", "/v1/pipelines/trips", If_Match='"7"')[0] == 412
    assert rest("PUT", "/v1/pipelines/new-one", DEFINITION | {"name": "new-one"}, If_Match='"1"')[0] == 412
    assert rest("PUT", "/v1/pipelines/trips", DEFINITION, If_Match='"1"')[0] == 200
    assert rest("PUT", "/v1/pipelines/trips", DEFINITION, If_Match="abc")[0] == 400


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": "other"}, "/name"),
        ({"targt": "x"}, ""),
        ({"split": {"by": "time"}}, "/split/by"),
        ({"split": {"test": "0%"}}, "/split/test"),
        ({"split": {"test": "60%", "validation": "40%"}}, "/split/validation"),
        ({"data": {"drop": ["late"]}}, "/data/drop"),
        ({"data": {"key": "late"}}, "/target"),
        ({"gate": ["roc_auc > 0.5", "roc_auc is good"]}, "/gate/1"),
        ({"gate": ["auc > 0.5"]}, "/gate/0"),
        ({"gate": ["rmse < 3"]}, "/gate/0"),
        ({"gate": ["__import__('os') > 1"]}, "/gate/0"),
        ({"data": {"max_bad": "many"}}, "/data/max_bad"),
    ],
)
def test_a_wrong_definition_is_refused_by_place(rest, change, pointer):
    status, problem, _ = rest("PUT", "/v1/pipelines/trips", DEFINITION | change)
    assert status == 422
    assert problem["errors"][0]["pointer"] == pointer


def test_a_definition_is_checked_and_shown_with_its_defaults_without_being_stored(rest):
    status, shown, _ = rest("POST", "/v1/pipelines/new-one/validate", DEFINITION | {"name": "new-one"})
    assert status == 200
    stored = rest("PUT", "/v1/pipelines/trips", DEFINITION)[1]["definition"]
    assert shown["definition"] == stored | {"name": "new-one"}
    assert rest("GET", "/v1/pipelines/new-one")[0] == 404


def test_a_check_names_every_wrong_place_as_a_put_does(rest):
    wrong = DEFINITION | {"split": {"by": "time", "test": "0%"}, "gate": ["auc > 0.5"]}
    checked, put = (
        rest(*to, wrong) for to in (("POST", "/v1/pipelines/trips/validate"), ("PUT", "/v1/pipelines/trips"))
    )
    assert checked[0] == put[0] == 422
    assert [error["pointer"] for error in checked[1]["errors"]] == ["/split/by", "/split/test", "/gate/0"]
    assert checked[1]["errors"] == put[1]["errors"]


def test_whoever_reads_may_check_a_definition_but_not_put_it(rest):
    rest.token.scopes = ("read",)
    assert rest("POST", "/v1/pipelines/trips/validate", DEFINITION)[0] == 200
    assert rest("PUT", "/v1/pipelines/trips", DEFINITION)[0] == 403


def test_a_rejected_version_names_the_page_of_its_reason(rest, world):
    row = world.upload(b"")
    assert rest("GET", f"/v1/datasets/trips/{row.version}")[1]["reason_url"] == "/reasons/empty_file"


def test_a_metric_that_no_recipe_reports_is_refused_with_the_likely_meaning(rest):
    _, problem, _ = rest("PUT", "/v1/pipelines/trips", DEFINITION | {"gate": ["auc > 0.5"]})
    assert "did you mean 'roc_auc'?" in problem["detail"]


@pytest.mark.parametrize(
    ("task", "clause"),
    [
        ("classification", "roc_auc >= 0.60"),
        ("classification", "log_loss <= champion + 0.005"),
        ("regression", "rmse<baseline"),
        ("regression", "mae < baseline - 1e-3"),
    ],
)
def test_the_gates_grammar_is_accepted(rest, task, clause):
    assert rest("PUT", "/v1/pipelines/trips", DEFINITION | {"task": task, "gate": [clause]})[0] == 200


@pytest.mark.usefixtures("replayed")
def test_a_pipeline_with_data_is_only_removed_by_force(rest, csv):
    rest.world.upload(csv())
    status, problem, _ = rest("DELETE", "/v1/pipelines/trips")
    assert status == 409
    assert "?force=true" in problem["detail"]
    assert rest("DELETE", "/v1/pipelines/trips?force=true")[0] == 200


def test_versions_come_newest_first_page_by_page(rest):
    for i in range(5):
        rest.world.upload(b"", f"{i}.csv")
    seen: list[str] = []
    path: str | None = "/v1/datasets/trips?limit=2"
    while path:
        status, page, headers = rest("GET", path)
        assert status == 200
        seen += [version["alias"] for version in page["versions"]]
        link = headers.get("Link")
        assert bool(link) == bool(page["next"])
        path = link[1 : link.index(">")] if link else None
    assert seen == ["d5", "d4", "d3", "d2", "d1"]


@pytest.mark.usefixtures("replayed")
def test_a_version_has_three_names(rest, csv):
    row = rest.world.upload(csv())
    answers = [rest("GET", f"/v1/datasets/trips/{name}")[1] for name in (row.version, "d1", "latest")]
    assert answers[0] == answers[1] == answers[2]
    assert (answers[0]["state"], answers[0]["rows_good"], answers[0]["key"]) == ("READY", 200, row.key)
    assert [rest("GET", f"/v1/datasets/trips/{name}")[0] for name in ("d2", "d0", "nope")] == [404] * 3


def test_an_upload_that_was_rejected_is_shown_with_its_sentence(rest):
    row = rest.world.upload(b"")
    shown = rest("GET", "/v1/datasets/trips/latest")[1]
    assert (shown["state"], shown["reason"], shown["detail"]) == ("REJECTED", "empty_file", row.detail)
    assert rest("GET", "/v1/datasets/trips/latest/profile")[0] == 404
    assert rest("GET", "/v1/datasets/trips/latest/rejects")[1] == {"rejects": [], "next": None}


def test_uploads_without_a_pipeline_can_be_looked_up(rest):
    rest.world.upload(b"x", key="incoming/No Name/x.csv")
    status, page, _ = rest("GET", "/v1/datasets/%23unrouted")
    assert (status, page["versions"][0]["reason"]) == (200, "bad_key")


@pytest.mark.parametrize("name", ["%23counters", "%23content%23trips", "No%20Name", "x"])
@pytest.mark.usefixtures("replayed")
def test_the_tables_own_entries_are_no_pipelines(rest, csv, name):
    rest.world.upload(csv())
    for path in (f"/v1/datasets/{name}", f"/v1/datasets/{name}/latest", f"/v1/datasets/{name}/trips/rejects"):
        assert rest("GET", path)[0] == 404


def test_storing_the_same_definition_again_changes_nothing(rest):
    rest("PUT", "/v1/pipelines/trips", DEFINITION)
    status, stored, _ = rest("PUT", "/v1/pipelines/trips", DEFINITION)
    assert (status, stored["rev"]) == (200, 1)


@pytest.mark.usefixtures("replayed")
def test_the_profile_of_a_duplicate_is_that_of_the_first(rest, csv):
    rest.world.upload(csv(), "a.csv")
    assert rest.world.upload(csv(), "b.csv").state is DatasetState.READY
    assert rest("GET", "/v1/datasets/trips/d1/profile")[1] == rest("GET", "/v1/datasets/trips/d2/profile")[1]


def test_rejects_come_page_by_page_with_a_sentence_each(rest, csv):
    rest.world.define(data={"max_bad": "50%"})
    rest.world.upload(csv() + b"x,y\n" * 5 + b"1,abc,AA,true\n")
    seen: list[dict[str, Any]] = []
    path: str | None = "/v1/datasets/trips/latest/rejects?limit=4"
    while path:
        _, page, headers = rest("GET", path)
        seen += page["rejects"]
        link = headers.get("Link")
        path = link[1 : link.index(">")] if link else None
    assert [reject["row"] for reject in seen] == [202, 203, 204, 205, 206, 207]
    assert seen[-1] == {
        "row": 207,
        "column": "distance",
        "value": "abc",
        "rule": "not a number",
        "detail": "row 207, column 'distance': not a number: 'abc'",
    }


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "cursor=%FF", "cursor=abc!", "cursor=LTE"]
)
@pytest.mark.usefixtures("replayed")
def test_a_wrong_page_is_refused(rest, csv, query):
    rest.world.upload(csv())
    assert rest("GET", f"/v1/datasets/trips?{query}")[0] == 400
    assert rest("GET", f"/v1/datasets/trips/latest/rejects?{query}")[0] == 400


@pytest.mark.usefixtures("replayed")
def test_another_tokens_pipeline_does_not_exist(rest, csv):
    rest.world.upload(csv())
    rest.token.pipelines = ("flights",)
    paths = [
        "/v1/pipelines/trips",
        "/v1/datasets/trips",
        "/v1/datasets/trips/latest",
        "/v1/datasets/trips/latest/rejects",
    ]
    assert [rest("GET", path)[0] for path in paths] == [404] * 4
    assert rest("GET", "/v1/pipelines")[1] == {"pipelines": []}


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v1/pipelines", "read"),
        ("GET", "/v1/datasets/trips", "read"),
        ("PUT", "/v1/pipelines/trips", "operate"),
        ("DELETE", "/v1/pipelines/trips", "operate"),
        ("POST", "/v1/datasets/trips/uploads", "upload"),
        ("POST", "/v1/datasets/trips/uploads/AAAA/parts", "upload"),
        ("GET", "/v1/datasets/trips/uploads/AAAA", "upload"),
        ("POST", "/v1/datasets/trips/uploads/AAAA/complete", "upload"),
        ("DELETE", "/v1/datasets/trips/uploads/AAAA", "upload"),
    ],
)
def test_every_route_asks_for_its_scope(rest, method, path, scope):
    rest.token.scopes = tuple({"read", "upload", "predict", "operate"} - {scope})
    status, problem, _ = rest(method, path, {} if method in {"PUT", "POST"} else None)
    assert (status, problem["title"]) == (403, "Forbidden")


def test_every_route_has_the_authorizer(rest):
    for methods in rest.app.app.routes.values():
        for route in methods.values():
            assert route.authorizer is rest.app.bearer


def test_the_event_filter_names_bucket_and_prefix(rest):
    pattern = rest.app.CREATED_BY_S3
    assert pattern["detail"]["bucket"]["name"] == ["incoming"]
    assert pattern["detail"]["object"]["key"] == [{"prefix": "incoming/"}]


@pytest.mark.usefixtures("replayed")
def test_an_object_created_event_makes_a_version(rest, csv):
    upload = rest.world.put(csv(), "with space.csv")
    detail = {
        "bucket": {"name": "incoming"},
        "object": {"key": upload.key, "size": 1, "version-id": upload.version_id},
    }
    with Client(rest.app.app) as client:
        event = client.events.generate_cw_event("aws.s3", "Object Created", detail, [])
        client.lambda_.invoke("on_object_created", event)
        client.lambda_.invoke("on_object_created", event)
    assert rest.world.row(upload).state is DatasetState.READY
    assert len(rest.world.bus.events) == 1


def test_the_tick_runs(rest, csv):
    with Client(rest.app.app) as client:
        client.lambda_.invoke("reconcile", client.events.generate_cw_event("aws.events", "x", {}, []))
