"""Numbers of things, as people read them."""

import pytest

from headrace.progress import several


@pytest.mark.parametrize(
    ("count", "kind", "told"),
    [
        (1, "alarm", "1 alarm"),
        (33, "alarm", "33 alarms"),
        (2, "key alias", "2 key aliases"),
        (2, "stack in us-east-1", "2 stacks in us-east-1"),
        (3, "batch", "3 batches"),
        (0, "thing", "0 things"),
    ],
)
def test_things_are_counted_in_words(count: int, kind: str, told: str) -> None:
    assert several(count, kind) == told
