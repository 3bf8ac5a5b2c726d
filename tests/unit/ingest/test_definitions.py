"""Which definitions are taken, what each task needs of a file, and what a refusal names."""

from typing import Any

import pytest
from chalicelib.ingest.definitions import check_definition
from chalicelib.ingest.roles import check_columns, roles_of

from shared.entities.pipeline import TASKS, PipelineDefinition, task_of
from shared.errors import InvalidBody, InvalidDataset, PayloadTooLarge
from shared.parsing import convert

TABLE = {"name": "trips", "task": "classification", "target": "late"}
LOAD = {"name": "load", "task": "forecasting", "target": "mw", "time": "at", "horizon": 24}
TOPICS = {"name": "topics", "task": "text", "target": "topic", "text": ["title"]}
PHOTOS = {"name": "photos", "task": "image"}
TASTES = {"name": "tastes", "task": "recommendation", "user": "who", "item": "what"}


def parsed(document: dict[str, Any], **changes: Any) -> PipelineDefinition:
    kind: Any = PipelineDefinition
    definition: PipelineDefinition = convert(document | changes, kind)
    return definition


def pointers(document: dict[str, Any], **changes: Any) -> list[str]:
    """Return where the checks find something wrong."""
    try:
        check_definition(document["name"], parsed(document, **changes))
    except InvalidBody as error:
        return [wrong.pointer for wrong in error.errors]
    return []


def test_every_task_is_taken_with_no_more_than_its_own_keys() -> None:
    documents: list[dict[str, Any]] = [TABLE, TABLE | {"task": "regression"}, LOAD, TOPICS, PHOTOS, TASTES]
    assert tuple(task_of(parsed(document)) for document in documents) == TASKS
    assert [pointers(document) for document in documents] == [[]] * len(TASKS)


@pytest.mark.parametrize(
    ("document", "changes", "by"),
    [
        (TABLE, {}, "auto"),
        (TABLE, {"split": {"by": "hash"}}, "hash"),
        (TABLE, {"data": {"time": "at"}}, "time"),
        (TABLE, {"data": {"time": "at"}, "split": {"test": "30%"}}, "time"),
        (TABLE, {"data": {"time": "at"}, "split": {"by": "hash"}}, "hash"),
        (TABLE, {"data": {"time": "at"}, "split": {"by": "group(plane)"}}, "group(plane)"),
        (LOAD, {}, "time"),
        (TASTES, {}, "auto"),
        (TASTES, {"time": "at"}, "time"),
        (TASTES, {"time": "at", "split": {"by": "group(who)"}}, "group(who)"),
    ],
)
def test_rows_with_a_time_are_dealt_at_random_only_by_name(
    document: dict[str, Any], changes: dict[str, Any], by: str
) -> None:
    definition = parsed(document, **changes)
    assert definition.split.by == by
    assert roles_of(definition).time == (definition.data.time if by == "time" else None)


def test_a_task_that_names_its_time_need_not_name_it_twice() -> None:
    assert parsed(LOAD).data.time == "at"
    assert parsed(LOAD, data={"format": "parquet"}).data.time == "at"
    assert pointers(LOAD, data={"time": "at"}) == []
    assert pointers(LOAD, data={"time": "other"}) == ["/data/time"]


@pytest.mark.parametrize(
    ("document", "changes", "required"),
    [
        (TABLE, {"data": {"key": "id"}}, {"late": "target", "id": "key"}),
        (
            LOAD,
            {"series": ["shop", "item"]},
            {"mw": "target", "at": "time", "shop": "series", "item": "series"},
        ),
        (TOPICS, {}, {"topic": "target", "title": "text"}),
        (TOPICS, {"text": ["title", "body"]}, {"topic": "target"}),
        (PHOTOS, {}, {"label": "target"}),
        (TASTES, {"rating": "stars"}, {"who": "user", "what": "item", "stars": "rating"}),
        (TASTES, {"time": "at"}, {"who": "user", "what": "item", "at": "time"}),
    ],
)
def test_a_task_demands_values_of_its_own_columns(
    document: dict[str, Any], changes: dict[str, Any], required: dict[str, str]
) -> None:
    assert roles_of(parsed(document, **changes)).required == required


@pytest.mark.parametrize(
    ("document", "changes", "numbers", "label"),
    [
        (TABLE, {}, {}, "late"),
        (TABLE, {"task": "regression"}, {"late": "target"}, None),
        (LOAD, {}, {"mw": "target"}, None),
        (TOPICS, {}, {}, "topic"),
        (PHOTOS, {}, {}, "label"),
        (TASTES, {"rating": "stars"}, {"stars": "rating"}, None),
    ],
)
def test_what_is_predicted_is_a_class_or_a_number(
    document: dict[str, Any], changes: dict[str, Any], numbers: dict[str, str], label: str | None
) -> None:
    roles = roles_of(parsed(document, **changes))
    assert (roles.numbers, roles.label) == (numbers, label)


def test_every_text_column_must_be_in_the_file_though_one_may_be_empty_in_a_row() -> None:
    definition = parsed(TOPICS, text=["title", "body"])
    check_columns(("topic", "title", "body"), definition)
    with pytest.raises(InvalidDataset, match="text 'body'"):
        check_columns(("topic", "title"), definition)


@pytest.mark.parametrize(
    ("document", "changes", "places"),
    [
        (LOAD, {"split": {"by": "hash"}}, ["/split/by"]),
        (LOAD, {"split": {"by": "group(shop)"}}, ["/split/by"]),
        (LOAD, {"time": "mw"}, ["/time", "/target"]),
        (LOAD, {"series": ["shop", "shop"]}, ["/series/1"]),
        (LOAD, {"series": ["mw"]}, ["/series/0"]),
        (LOAD, {"data": {"drop": ["at"]}}, ["/data/drop"]),
        (LOAD, {"gate": ["accuracy > 0.3"]}, ["/gate/0"]),
        (LOAD, {"gate": ["size_mb < 9", "size_mb < baseline"]}, ["/gate/1"]),
        (TABLE, {"gate": ["tpr_difference < 0.1"]}, ["/gate/0"]),
        (TABLE, {"gate": ["tpr_difference < 0.1"], "model": {"fairness": ["sex"]}}, []),
        (TOPICS, {"text": ["title", "topic"]}, ["/text/1"]),
        (TOPICS, {"data": {"drop": ["title"]}}, ["/data/drop"]),
        (TASTES, {"item": "who"}, ["/item"]),
        (TASTES, {"rating": "what"}, ["/rating"]),
        (TASTES, {"split": {"by": "time"}}, ["/split/by"]),
        (TABLE, {"split": {"by": "group(late)"}}, ["/split/by"]),
        (TABLE, {"split": {"by": "group(plane)"}, "data": {"drop": ["plane"]}}, ["/data/drop"]),
        (TABLE, {"data": {"key": "late"}}, ["/target"]),
    ],
)
def test_a_definition_that_contradicts_itself_is_refused_where_it_does(
    document: dict[str, Any], changes: dict[str, Any], places: list[str]
) -> None:
    assert pointers(document, **changes) == places


@pytest.mark.parametrize(
    ("data", "place"),
    [
        *(
            ({"encoding": name}, "/data/encoding")
            for name in ("utf9", "base64", "rot13", "idna", "a\0b", "utf-7")
        ),
        ({"encoding": "cp1252", "format": "parquet"}, "/data/encoding"),
        *(({"delimiter": character}, "/data/delimiter") for character in 'a1\n\r\0"'),
        ({"delimiter": "'", "quote": "'"}, "/data/delimiter"),
        ({"delimiter": ";", "format": "jsonl"}, "/data/delimiter"),
        ({"delimiter": ";", "format": "tsv"}, "/data/delimiter"),
        ({"quote": "x"}, "/data/quote"),
        ({"quote": "'", "format": "images"}, "/data/quote"),
    ],
)
def test_an_upload_cannot_be_read_in_a_way_that_makes_no_sense(data: dict[str, Any], place: str) -> None:
    assert pointers(TABLE, data=data) == [place]


@pytest.mark.parametrize(
    "data",
    [
        {"encoding": "utf-16", "format": "csv", "delimiter": ";", "quote": "'"},
        {"encoding": "latin-1", "delimiter": "§"},
        {"encoding": "utf-8-sig", "format": "jsonl"},
        {"format": "tsv", "delimiter": "\t"},
    ],
)
def test_what_people_say_of_their_files_is_taken(data: dict[str, Any]) -> None:
    assert pointers(TABLE, data=data) == []


def test_a_definition_too_long_for_its_row_is_refused_before_it_is_stored() -> None:
    schema = {"fields": [{"name": "late", "type": "string", "constraints": {"enum": ["x" * 30] * 9000}}]}
    with pytest.raises(PayloadTooLarge, match="262,144 bytes"):
        check_definition("trips", parsed(TABLE, data={"schema": schema}))


def test_a_wrong_schema_is_refused_with_every_problem_and_its_place_in_the_definition() -> None:
    fields = [
        {"name": "late", "type": "bolean"},
        {"name": "id", "type": "integer", "constraints": {"minimun": 1}},
    ]
    places = pointers(TABLE, data={"schema": {"fields": fields}}, gate=["auc > 1"])
    assert places == ["/gate/0", "/data/schema/fields/0/type", "/data/schema/fields/1/constraints/minimun"]


def test_a_gate_out_of_its_grammar_is_told_with_the_place_as_training_would_tell_it() -> None:
    with pytest.raises(
        InvalidBody, match=r"expected \+ or - at position 21, found '0.1'; clauses are 'metric op number'"
    ):
        check_definition("trips", parsed(TABLE, gate=["roc_auc >= champion 0.1"]))
    assert pointers(TABLE, gate=["roc_auc >= .5", "roc_auc>=champion+1e-3"]) == []


def test_a_schema_must_declare_the_columns_that_the_pipeline_uses() -> None:
    schema = {"fields": [{"name": "late", "type": "boolean"}]}
    assert pointers(TABLE, data={"schema": schema}) == []
    assert pointers(TABLE, data={"schema": schema, "key": "id"}) == ["/data/schema/fields"]


@pytest.mark.parametrize(
    ("image", "says"),
    [
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/mine:1.0", "names no digest, and what a tag means"),
        (f"docker.io/mine@sha256:{'a' * 64}", "is no address"),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/mine@sha256:abc", "is no address"),
    ],
)
def test_an_image_is_named_by_its_digest_in_ecr(image: str, says: str) -> None:
    with pytest.raises(InvalidBody) as raised:
        check_definition("trips", parsed(TABLE, model={"image": image}))
    (wrong,) = raised.value.errors
    assert (wrong.pointer, says in wrong.detail) == ("/model/image", True)


def test_a_recipe_is_one_of_ours_or_the_hash_of_ones_own() -> None:
    image = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/mine:1.0@sha256:{'a' * 64}"
    assert pointers(TABLE, model={"recipe": "ab" * 32, "image": image}) == []
    with pytest.raises(InvalidBody):
        parsed(TABLE, model={"recipe": "bosting"})
