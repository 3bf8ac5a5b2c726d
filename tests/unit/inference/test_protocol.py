"""The Open Inference Protocol v2: tensors in, tensors out, errors that its clients can read."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from chalicelib.inference.inputs import read_signature
from chalicelib.inference.tensors import Tensor, describe_inputs, describe_outputs, rows_of

from shared.errors import Unavailable
from shared.version import VERSION
from tests.unit.inference.fakes import answer_of
from tests.unit.inference.rest import Answer, Rest, release

MODEL = "/v2/models/{pipeline}"
VERSIONED = "/v2/models/{pipeline}/versions/{version}"
ONE = {"distance": 7, "carrier": "AA"}
TWO = {"distance": 90, "carrier": "UA"}


def tensor(name: str, datatype: str, *data: object, **more: Any) -> dict[str, Any]:
    return {"name": name, "shape": [len(data)], "datatype": datatype, "data": list(data)} | more


def two(**more: Any) -> dict[str, Any]:
    return {"inputs": [tensor("distance", "INT64", 7, 90), tensor("carrier", "BYTES", "AA", "UA")]} | more


def infer(rest: Rest, body: object, **parameters: str) -> Answer:
    resource = (VERSIONED if parameters else MODEL) + "/infer"
    text = body if isinstance(body, str) else json.dumps(body)
    return rest.call("POST", resource, resource, {"pipeline": "flights", **parameters}, text)


def test_tensors_are_answered_with_the_columns_of_the_answer(live: Rest) -> None:
    answer = infer(live, two(id="mine"))
    assert answer.status == 200, answer.text
    assert (answer.body["model_name"], answer.body["model_version"], answer.body["id"]) == (
        "flights",
        "v1",
        "mine",
    )
    outputs = {output["name"]: output for output in answer.body["outputs"]}
    expected = [answer_of("v1", ONE), answer_of("v1", TWO)]
    assert outputs["value"] == {
        "name": "value",
        "shape": [2],
        "datatype": "BOOL",
        "data": [one.value for one in expected],
    }
    assert outputs["score_true"]["data"] == [(one.scores or {})["true"] for one in expected]
    assert (outputs["id"]["datatype"], outputs["id"]["data"]) == ("BYTES", ["request-1-0", "request-1-1"])
    ((_, sent),) = live.stage.runtime.asked
    assert json.loads(sent) == [ONE, TWO]


def test_a_column_may_be_flat_or_nested_and_of_any_numeric_type(live: Rest) -> None:
    nested = {"name": "distance", "shape": [2, 1], "datatype": "FP32", "data": [[7.0], [90]]}
    answer = infer(live, {"inputs": [nested, tensor("carrier", "BYTES", "AA", "UA")]})
    assert answer.status == 200, answer.text


def test_only_the_wanted_outputs_are_answered(live: Rest) -> None:
    wanted = [{"name": "value", "parameters": {"binary_data": False}}]
    answer = infer(live, two(outputs=wanted))
    assert [output["name"] for output in answer.body["outputs"]] == ["value"]
    refused = infer(live, two(outputs=[{"name": "values"}]))
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/outputs/0/name")


def test_a_version_can_be_asked_by_name(live: Rest) -> None:
    release(live, "v2", "v1")
    live.stage.monotonic += 3
    assert infer(live, two(), version="v1").body["model_version"] == "v1"
    assert infer(live, two()).body["model_version"] == "v2"
    assert infer(live, two(), version="v9").status == 404


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a wrong value": ({"inputs": [tensor("distance", "BYTES", "7", "x")]}, "/inputs/0/data/0"),
    "an unknown input": (
        two() | {"inputs": [*two()["inputs"], tensor("x", "FP64", 1, 2)]},
        "/inputs/2/data/0",
    ),
    "a missing input": ({"inputs": [tensor("distance", "INT64", 7)]}, "/inputs"),
    "another length": (
        {"inputs": [tensor("distance", "INT64", 7, 8), tensor("carrier", "BYTES", "AA")]},
        "/inputs/1/shape",
    ),
    "a wrong shape": (
        {"inputs": [tensor("distance", "INT64", 7, shape=[1, 2])]},
        "/inputs/0/shape",
    ),
    "too few values": ({"inputs": [tensor("distance", "INT64", 7, shape=[2])]}, "/inputs/0/data"),
    "an input twice": (
        {"inputs": [tensor("distance", "INT64", 7), tensor("distance", "INT64", 7)]},
        "/inputs/1/name",
    ),
    "an unknown type": ({"inputs": [tensor("distance", "FP8", 7)]}, "/inputs/0/datatype"),
    "no inputs": ({"inputs": []}, "/inputs"),
    "an extension": (
        {"inputs": [tensor("distance", "INT64", 7, parameters={"binary_data_size": 8})]},
        "/inputs/0/parameters/binary_data_size",
    ),
    "no shape": ({"inputs": [tensor("distance", "INT64", shape=[])]}, "/inputs/0/shape"),
    "no shape, and one beside it": (
        {"inputs": [tensor("distance", "INT64", shape=[]), tensor("carrier", "BYTES", shape=[0])]},
        "/inputs/0/shape",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_is_told_where_it_stands_in_the_tensors(live: Rest, case: str) -> None:
    body, pointer = REFUSED[case]
    answer = infer(live, body)
    assert answer.status == 422, answer.text
    assert answer.body["errors"][0]["pointer"] == pointer
    assert answer.body["error"] == answer.body["detail"]
    assert live.stage.runtime.asked == []


@pytest.mark.parametrize("body", ["", "{", '{"inputs":' + "[" * 500, "[]", '{"inputs":[{"data":[NaN]}]}'])
def test_what_is_no_request_at_all_is_told_in_the_field_that_the_protocol_knows(
    live: Rest, body: str
) -> None:
    answer = infer(live, body)
    assert (answer.status, answer.body["error"]) == (422, answer.body["detail"])


def test_a_failing_endpoint_and_a_missing_scope_say_error_too(live: Rest) -> None:
    live.stage.runtime.error = Unavailable("inner text")
    down = infer(live, two())
    assert (down.status, "inner" in down.body["error"]) == (503, False)
    live.scopes = "read"
    assert infer(live, two()).body["error"] == "this token lacks the scope 'predict'"


def test_the_server_and_a_served_model_are_live_and_ready(live: Rest) -> None:
    assert live.get("/v2", "/v2").body == {"name": "headrace", "version": VERSION, "extensions": []}
    assert live.get("/v2/health/live", "/v2/health/live").body == {"live": True}
    assert live.get("/v2/health/ready", "/v2/health/ready").body == {"ready": True}
    ready = live.get(f"{MODEL}/ready", f"{MODEL}/ready", pipeline="flights")
    assert (ready.status, ready.body) == (200, {"name": "flights", "ready": True})


def test_a_model_without_a_release_or_an_endpoint_is_not_ready(rest: Rest) -> None:
    path = f"{MODEL}/ready"
    assert rest.get(path, path, pipeline="flights").status == 409
    assert rest.get(path, path, pipeline="trains").status == 404
    release(rest, "v1")
    rest.stage.monotonic += 3
    assert rest.get(path, path, pipeline="flights").status == 200
    rest.stage.endpoints.made.clear()
    assert rest.get(path, path, pipeline="flights").status == 409
    version = f"{VERSIONED}/ready"
    assert rest.get(version, version, pipeline="flights", version="v1").status == 409


def test_a_models_metadata_names_its_tensors(live: Rest) -> None:
    about = live.get(MODEL, MODEL, pipeline="flights").body
    assert (about["name"], about["versions"], about["platform"]) == (
        "flights",
        ["v1"],
        "headrace_classification",
    )
    assert about["inputs"][0] == {
        "name": "distance",
        "datatype": "INT64",
        "shape": [-1],
        "parameters": {"type": "integer", "required": True},
    }
    assert [(one["name"], one["datatype"]) for one in about["outputs"]] == [
        ("id", "BYTES"),
        ("value", "BOOL"),
        ("score_false", "FP64"),
        ("score_true", "FP64"),
    ]
    assert live.get(VERSIONED, VERSIONED, pipeline="flights", version="v9").status == 404


def test_what_the_metadata_promises_is_what_is_answered(live: Rest) -> None:
    promised = live.get(MODEL, MODEL, pipeline="flights").body["outputs"]
    given = infer(live, two()).body["outputs"]
    assert [(o["name"], o["datatype"]) for o in promised] == [(o["name"], o["datatype"]) for o in given]


def test_the_members_of_an_object_are_tensors_of_their_own() -> None:
    shop = [{"name": "shop", "type": "string", "required": True}]
    inputs = [{"name": "series", "type": "object", "required": True, "fields": shop}]
    signature = read_signature({"inputs": [*inputs, {"name": "horizon", "type": "integer"}]})
    assert [one.name for one in describe_inputs(signature.inputs)] == ["series.shop", "horizon"]
    sent = [
        Tensor(name="series.shop", shape=(2,), datatype="BYTES", data=["a", "b"]),
        Tensor(name="horizon", shape=(2,), datatype="INT64", data=[1, 2]),
    ]
    assert rows_of(sent, {given.name: given for given in signature.inputs}) == [
        {"series": {"shop": "a"}, "horizon": 1},
        {"series": {"shop": "b"}, "horizon": 2},
    ]


@pytest.mark.parametrize(
    ("task", "names"),
    [
        ("forecasting", ["id", "time", "value", "low", "high"]),
        ("recommendation", ["id", "rank", "item", "score"]),
        ("regression", ["id", "value"]),
    ],
)
def test_each_task_has_its_outputs(task: str, names: list[str]) -> None:
    assert [one.name for one in describe_outputs({"task": task})] == names


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["version"] == VERSION
