"""What a release recorded, told again to the code of now, comes to the same rows."""

import copy
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.clouds import ROOT
from tests.replay.stories import PLAYERS, Corpus, differences

CORPORA = sorted((ROOT / "tests" / "replay").glob("*/*.json"))


def corpus_in(path: Path) -> Corpus:
    return msgspec.json.decode(path.read_bytes(), type=Corpus)


def test_every_service_that_hears_events_has_a_corpus() -> None:
    assert {corpus_in(path).service for path in CORPORA} == PLAYERS.keys()


@pytest.mark.parametrize("path", CORPORA, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_recorded_events_come_to_the_recorded_rows(path: Path) -> None:
    corpus = corpus_in(path)
    assert corpus.release == path.parent.name
    assert differences(corpus.rows, PLAYERS[corpus.service](corpus.steps)) == []


@pytest.mark.parametrize("path", CORPORA, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_events_told_twice_and_a_field_more_come_to_the_recorded_rows(path: Path) -> None:
    corpus = corpus_in(path)
    steps: list[Any] = []
    for step in corpus.steps:
        told = copy.deepcopy(step)
        if "data" in told.get("detail", {}):
            told["detail"]["data"]["of_a_later_version"] = {"any": 1}
        steps += [told, told] if "detail-type" in told else [told]
    assert differences(corpus.rows, PLAYERS[corpus.service](tuple(steps))) == []


def test_another_value_a_missing_row_and_one_too_many_are_all_told() -> None:
    recorded: dict[str, dict[str, Any]] = {
        "jobs a": {"state": "SUCCEEDED", "rev": 3},
        "jobs b": {"state": "DEAD"},
    }
    now: dict[str, dict[str, Any]] = {
        "jobs a": {"state": "DEAD", "rev": 4, "more": 1},
        "jobs c": {"state": "DEAD"},
    }
    assert differences(recorded, now) == [
        "jobs b: is not there any more",
        "jobs c: was not there",
        "jobs a.state: 'SUCCEEDED' is 'DEAD'",
    ]
