"""A hundred seeds of ten thousand uploads: what `make test` lives through in small (tests/simulation)."""

import gc
from collections.abc import Callable

import pytest

from tests.proof.simulation.conftest import UPLOADS as RECORDED
from tests.simulation.test_simulation import lived

UPLOADS = 10_000


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(1000, 1100))
def test_ten_thousand_uploads_keep_every_promise(
    seed: int, record_property: Callable[[str, object], None]
) -> None:
    lived(seed, UPLOADS)
    # A world is full of cycles, and none looks for them while it lives: a hundred would be twelve gigabytes.
    gc.collect()
    record_property(RECORDED, UPLOADS)
