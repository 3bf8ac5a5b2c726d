"""A thousand uploads a seed, and everything that may go wrong: the promises hold, and a failure can be lived again.

`make simulation` lives through a hundred seeds of ten thousand uploads.
"""

import os
import subprocess
import sys

import pytest

from tests.clouds import ROOT
from tests.simulation.deletions import NAMED
from tests.simulation.world import World

SEEDS = range(20)
UPLOADS = 1000
SHOWN_CHARACTERS = 20_000
ELSEWHERE = """
import sys
from tests.simulation.world import World
text = World(7, 150, traced=True).run().trace.text()
sys.stdout.buffer.write(text)
"""


def lived(seed: int, uploads: int) -> World:
    """Return a world that has kept its promises; of one that has not, show what it did."""
    world = World(seed, uploads).run()
    if world.invariants.broken:
        # The same again, this time with a pencil: what costs too much to write down every time.
        again = World(seed, uploads, traced=True).run()
        told = again.trace.text().decode()[-SHOWN_CHARACTERS:]
        pytest.fail(f"seed {seed} of {uploads} uploads: {world.invariants.broken[:10]}\n{told}")
    return world


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_is_lost_repeated_late_failing_or_killed_every_promise_holds(seed: int) -> None:
    world = lived(seed, UPLOADS)
    # To pipelines that come and go some more are uploaded.
    staying = [key for key, _ in world.people.uploads if not key.startswith(f"incoming/{NAMED}")]
    assert len(staying) == UPLOADS
    assert len(world.people.uploads) > UPLOADS


def test_the_same_seed_gives_the_same_trace_to_the_byte_in_every_process() -> None:
    here = World(7, 150, traced=True).run().trace.text()
    assert len(here) > 500_000
    # There sets of names have another order.
    elsewhere = subprocess.run(
        [sys.executable, "-c", ELSEWHERE],
        env={**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
        timeout=120,
    ).stdout
    assert elsewhere == here


def test_another_seed_gives_another_trace() -> None:
    first, second = (World(seed, 20, traced=True).run().trace.text() for seed in (1, 2))
    assert first != second


def test_a_run_is_as_hard_as_it_says() -> None:
    """Otherwise nothing would break because nothing happens."""
    told = World(3, 150, traced=True).run().trace.text().decode()
    for what in (
        "LOST",
        "KILLED",
        "answer lost, again",
        "answer lost, given up",
        "not carried out",
        "FAILED",
    ):
        assert told.count(what) > 1, what
