"""Fixtures of the ingest tests: a world, a file, and the engine's answers to that file, given again."""

import contextlib
import hashlib
from collections.abc import Callable
from typing import Any, cast

import msgspec
import pytest
from chalicelib.ingest.build import Built, Order, Refusal, build
from chalicelib.ingest.engine import Scratch
from chalicelib.ingest.formats.reader import Source
from chalicelib.ingest.sink import Sink

from tests.unit.ingest.fixtures import csv, rest, world
from tests.unit.ingest.world import World, make_csv

__all__ = ["csv", "recording", "replayed", "rest", "world"]


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """What the real engine made of one file: the files it wrote, in order, and its answer."""

    sha256: str
    files: list[tuple[str, bytes, str]]
    answer: Built | Refusal


@pytest.fixture(scope="session")
def recording() -> Recording:
    """Take ``make_csv()`` through the real engine once in a session: it costs 0.1 s, a crash test seconds."""
    answers: list[Built | Refusal] = []

    def recorded(*arguments: Any) -> Built | Refusal:
        answers.append(build(*arguments))
        return answers[-1]

    made = World()
    made.define()
    made.build = recorded
    row = made.upload(make_csv())
    prefix = f"datasets/trips/{row.version}/"
    files = [
        (key.removeprefix(prefix), versions[-1][1], "application/octet-stream")
        for key, versions in made.data.versions.items()
        if not key.endswith("/manifest.json")
    ]
    return Recording(sha256=row.content_sha256 or "", files=files, answer=answers[0])


@pytest.fixture
def replayed(world: World, recording: Recording) -> World:
    """Return a world whose engine knows ``make_csv()`` alone and does as the real one did."""

    def replay(
        _scratch: Any, source: Source, _order: Order, sink: Sink, on_content: Callable[[str], None]
    ) -> Built | Refusal:
        found = hashlib.sha256(source.open().read()).hexdigest()
        assert found == recording.sha256, "only make_csv() was recorded"
        on_content(found)
        for name, body, content_type in recording.files:
            with sink.writer(name, content_type) as file:
                file.write(body)
        return recording.answer

    world.build = replay
    world.open_scratch = lambda: contextlib.nullcontext(cast("Scratch", None))
    return world
