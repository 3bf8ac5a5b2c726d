"""Filters and joins of transform jobs: the documented operators, and what cannot be joined."""

import json

import pytest

from localcloud.sagemaker.errors import ApiError, ClientJobError
from localcloud.sagemaker.jobs import transform_joins
from localcloud.sagemaker.jobs.json_path import BadPath, parse, select


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", {"a": {"b": [1, 2, 3]}, "c d": 4}),
        ("$.a.b", [1, 2, 3]),
        ("$['c d']", 4),
        ("$['c d','a']", {"c d": 4, "a": {"b": [1, 2, 3]}}),
        ("$.a.b[0]", 1),
        ("$.a['b'][-1]", 3),
        ("$.a.b[1:]", [2, 3]),
        ("$.a.b[0,-1:]", [1, 3]),
    ],
)
def test_a_path_takes_what_the_guide_says(path, found):
    assert select({"a": {"b": [1, 2, 3]}, "c d": 4}, parse(path)) == found


@pytest.mark.parametrize("path", ["", "a", "$..a", "$[a]", "$[]", "$[?(@.x)]", "$.a."])
def test_what_is_not_documented_is_refused(path):
    with pytest.raises(BadPath):
        parse(path)


@pytest.mark.parametrize("path", ["$.none", "$[0]", "$.a[0]"])
def test_a_part_that_is_not_there_is_told(path):
    with pytest.raises(BadPath, match="nothing at"):
        select({"a": {"b": 1}}, parse(path))


def request(kind, split="Line", **processing):
    return {"TransformInput": {"ContentType": kind, "SplitType": split}, "DataProcessing": processing}


def test_lines_of_json_are_joined_under_the_names_of_the_guide():
    lines = b'{"id": 1, "x": [2]}\n[3]\n'
    job = request("application/jsonlines", JoinSource="Input")
    joined = transform_joins.joined(lines, b'0.5\n{"y": 1}\n', job).splitlines()
    assert [json.loads(line) for line in joined] == [
        {"id": 1, "x": [2], "SageMakerOutput": 0.5},
        {"SageMakerInput": [3], "SageMakerOutput": {"y": 1}},
    ]


def test_a_whole_object_of_json_is_filtered_and_joined():
    job = request("application/json", "None", InputFilter="$.x", JoinSource="Input", OutputFilter="$['id']")
    body = b'{"id": 7, "x": [1, 2]}'
    assert transform_joins.filtered(body, job) == b"[1, 2]"
    assert transform_joins.joined(body, b"3", job) == b"7"


def test_answers_that_are_not_one_to_each_record_cannot_be_joined():
    with pytest.raises(ClientJobError, match="1 answers cannot be joined with 2 records"):
        transform_joins.joined(b"1\n2\n", b"3\n", request("text/csv", JoinSource="Input"))


def test_a_content_type_without_records_cannot_be_filtered():
    with pytest.raises(ApiError, match="needs a ContentType"):
        transform_joins.check(request("text/plain", InputFilter="$[0]"))
