"""Two confined servers for all files of this room, and how many files are generated."""

from collections.abc import Iterator

import pytest

from tests.hostile.confined import Servers, servers


@pytest.fixture(scope="session")
def confined() -> Iterator[Servers]:
    with servers() as made:
        yield made
