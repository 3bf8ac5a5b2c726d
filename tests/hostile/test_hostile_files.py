"""Files made to harm end as the sentence about them says: within 512 MB and two seconds of CPU."""

import pytest

from tests.hostile.confined import CPU_S, MEMORY_BYTES, Servers, Used
from tests.hostile.files import FILES
from tests.hostile.judge import Fate, judge


def within_limits(used: Used) -> Fate:
    """Return the outcome, which must be one, and must have cost little."""
    assert used.ending is None, used.ending
    assert used.peak_bytes < MEMORY_BYTES
    assert used.cpu_s < CPU_S
    fate: Fate = used.answer
    return fate


@pytest.mark.parametrize("name", FILES)
def test_a_file_made_to_harm_is_refused_with_its_reason(confined: Servers, name: str) -> None:
    fate = within_limits(confined.call(judge, FILES[name].file()))
    assert (fate.state, fate.reason) in {("REJECTED", reason) for reason in FILES[name].reasons}
