"""Keys that no row can have."""

from typing import Any

import pytest

from shared.tables import Page, Table

NOBODY: Any = object()  # any call of it fails


@pytest.mark.parametrize(
    "key", [("", "v1"), ("p", ""), ("p" * 2049, "v1"), ("p", "v" * 1025), ("p", "é" * 513)]
)
def test_no_row_is_under_a_key_that_dynamodb_refuses(key: tuple[str, str]) -> None:
    assert Table(NOBODY, "models", "pipeline", "version").get(*key) is None


@pytest.mark.parametrize("partition", ["", "p" * 2049])
def test_no_rows_are_in_a_partition_that_dynamodb_refuses(partition: str) -> None:
    assert Table(NOBODY, "models", "pipeline", "version").query(partition) == Page(rows=[])
