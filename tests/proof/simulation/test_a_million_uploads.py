"""A hundred seeds of ten thousand uploads: what `make test` lives through in small (tests/simulation)."""

import pytest

from tests.simulation.test_simulation import lived

UPLOADS = 10_000


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(1000, 1100))
def test_ten_thousand_uploads_keep_every_promise(seed: int) -> None:
    lived(seed, UPLOADS)
