"""Fixtures of the ingest tests: a world, a file, and the engine's answers to that file, given again."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from chalicelib.ingest import validation
from chalicelib.ingest.engine import Scratch, open_scratch
from chalicelib.ingest.feed import Feed

from tests.unit.ingest.rest import Rest, make_rest
from tests.unit.ingest.world import World, make_csv

# Where the story of an attempt hands over to the engine, in the order of the calls.
ENGINE = ("stage", "decide_schema", "quarantine", "write_rejects", "finish")


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """What the real engine answered to one file; the files it speaks of lie in ``scratch``."""

    scratch: Scratch
    sha256: str
    answers: dict[str, Any]


@pytest.fixture
def world() -> World:
    made = World()
    made.define()
    return made


@pytest.fixture
def rest(world: World, monkeypatch: pytest.MonkeyPatch) -> Rest:
    """The routes, asked with a token that may do everything."""
    return make_rest(world, monkeypatch)


@pytest.fixture
def csv() -> Any:
    return make_csv


@pytest.fixture(scope="session")
def recording() -> Iterator[Recording]:
    """Take ``make_csv()`` through the real engine once in a session: it costs 0.1 s, a crash test seconds."""
    answers: dict[str, Any] = {}
    made = World()
    made.define()
    with open_scratch() as scratch:
        made.open_scratch = lambda: contextlib.nullcontext(scratch)
        with pytest.MonkeyPatch.context() as patch:
            for name in ENGINE:
                patch.setattr(validation, name, _recorded(name, answers))
            row = made.upload(make_csv())
        yield Recording(scratch=scratch, sha256=row.content_sha256 or "", answers=answers)


def _recorded(name: str, answers: dict[str, Any]) -> Callable[..., Any]:
    call = getattr(validation, name)

    @functools.wraps(call)
    def recorded(*arguments: Any) -> Any:
        answers[name] = call(*arguments)
        return answers[name]

    return recorded


@pytest.fixture
def replayed(world: World, recording: Recording, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a world whose engine knows ``make_csv()`` alone and answers as the real one did."""

    def stage(scratch: Scratch, feed: Feed, layout: Any) -> Any:
        assert feed.has_ended, "the file must fit into the feed's head"
        assert feed.sha256 == recording.sha256, "only make_csv() was recorded"
        return recording.answers["stage"]

    for name in ENGINE[1:]:
        monkeypatch.setattr(validation, name, lambda *_, given=recording.answers[name]: given)
    monkeypatch.setattr(validation, "stage", stage)
    world.open_scratch = lambda: contextlib.nullcontext(recording.scratch)
    return world
