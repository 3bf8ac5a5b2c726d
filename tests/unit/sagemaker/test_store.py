"""Rows, tags, pages and the state file."""

from typing import Any

import pytest

from localcloud.sagemaker import listing
from localcloud.sagemaker.errors import ApiError
from localcloud.sagemaker.store import ENDPOINT, MODEL, TRAINING_JOB, Scope, Store, scope_of

HERE = Scope(account="000000000000", region="us-east-1")
THERE = Scope(account="000000000000", region="eu-west-1")


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "deep" / "state.json")


def test_a_row_carries_its_arn_in_lower_case_and_no_tags(store):
    row = store.create(MODEL, HERE, {"ModelName": "MyModel", "Tags": [{"Key": "a", "Value": "b"}]})
    assert row["ModelArn"] == "arn:aws:sagemaker:us-east-1:000000000000:model/mymodel"
    assert "Tags" not in row
    assert store.tags(row["ModelArn"]) == {"a": "b"}


def test_an_arn_is_as_good_as_a_name(store):
    row = store.create(MODEL, HERE, {"ModelName": "m"})
    assert store.get(MODEL, HERE, row["ModelArn"]) == row
    assert scope_of(row["ModelArn"]) == HERE


def test_regions_do_not_see_each_other(store):
    store.create(MODEL, HERE, {"ModelName": "m"})
    with pytest.raises(ApiError, match=r'Could not find model "arn:aws:sagemaker:eu-west-1'):
        store.get(MODEL, THERE, "m")
    assert store.rows(MODEL, THERE) == []


def test_changing_a_copy_changes_no_row(store):
    store.create(MODEL, HERE, {"ModelName": "m", "Containers": [{"Image": "i"}]})
    store.get(MODEL, HERE, "m")["Containers"][0]["Image"] = "other"
    assert store.get(MODEL, HERE, "m")["Containers"] == [{"Image": "i"}]


def test_a_refusing_edit_changes_nothing(store):
    row = store.create(ENDPOINT, HERE, {"EndpointName": "e"}, EndpointStatus="Creating")

    def refuse(row):
        row["EndpointStatus"] = "Updating"
        raise ApiError("ValidationException", "no")

    with pytest.raises(ApiError):
        store.change(ENDPOINT, HERE, "e", refuse)
    assert store.get(ENDPOINT, HERE, "e") == row


def test_a_deleted_row_frees_its_name_and_tags(store):
    row = store.create(MODEL, HERE, {"ModelName": "m"})
    store.delete(MODEL, HERE, "m")
    with pytest.raises(ApiError, match="Could not find"):
        store.tags(row["ModelArn"])
    store.create(MODEL, HERE, {"ModelName": "m"})


def test_a_saved_store_loads_equal(store, tmp_path):
    row = store.create(TRAINING_JOB, THERE, {"TrainingJobName": "j"}, TrainingJobStatus="Completed")
    store.set_tags(row["TrainingJobArn"], {"a": "b"})
    store.save()
    again = Store(tmp_path / "deep" / "state.json")
    again.load()
    assert again.get(TRAINING_JOB, THERE, "j") == row
    assert again.tags(row["TrainingJobArn"]) == {"a": "b"}


def test_a_first_start_has_no_state_and_needs_none(store):
    store.load()
    assert store.rows(MODEL) == []


def rows(*names: str) -> list[dict[str, Any]]:
    return [{"TrainingJobName": name, "CreationTime": 1.0, "LastModifiedTime": 1.0} for name in names]


def test_pages_hold_every_row_once_even_when_rows_come_and_go_between_them():
    request = {"MaxResults": 2, "SortBy": "Name", "SortOrder": "Ascending"}
    page, token = listing.list_page(TRAINING_JOB, rows("a", "b", "c", "d"), request)
    assert [row["TrainingJobName"] for row in page] == ["a", "b"]
    page, token = listing.list_page(TRAINING_JOB, rows("b", "c", "d"), request | {"NextToken": token})
    assert [row["TrainingJobName"] for row in page] == ["c", "d"]
    assert token is None


def test_rows_of_one_second_are_ordered_by_name_and_not_lost():
    request = {"MaxResults": 1}
    first, token = listing.list_page(TRAINING_JOB, rows("a", "b"), request)
    second, _ = listing.list_page(TRAINING_JOB, rows("a", "b"), request | {"NextToken": token})
    assert [row["TrainingJobName"] for row in first + second] == ["a", "b"]


def test_a_made_up_token_is_refused():
    with pytest.raises(ApiError, match="Invalid pagination token"):
        listing.list_page(TRAINING_JOB, rows("a"), {"NextToken": "%%%"})
