from collections.abc import Iterator

import pytest

from tests.integration.localcloud.cloud import Cloud, cloud_in


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """One local cloud for all tests that leave it running."""
    with cloud_in(tmp_path_factory.mktemp("cloud")) as running:
        yield running
