"""`headrace models`: what a person decides, and what the gate says when it is asked again."""

import json

import pytest

from tests.unit.headrace.conftest import Run
from tests.unit.headrace.fake_stage import FakeStage, ok

BASIS = {"gate": ["roc_auc >= 0.6"], "approval": "auto", "champion": "v1", "evaluation_key": "k"}
MODEL = {
    "version": "v2",
    "state": "APPROVED",
    "reasons": [],
    "evaluated_champion": "v1",
    "verdicts": [],
    "judgements": [
        {"at": "2026-01-01T00:00:00Z", "state": "NEEDS_PERSON", "reasons": ["few rows"], "basis": BASIS},
        {"at": "2026-01-02T00:00:00Z", "state": "APPROVED", "reasons": ["by ann"], "basis": None},
    ],
}


@pytest.mark.parametrize("word", ["approve", "reject"])
def test_a_person_decides_with_a_reason_that_is_sent(run: Run, word: str) -> None:
    fake = FakeStage({f"POST /models/flights/v2/{word}": MODEL})
    assert run(fake, "models", word, "flights", "v2").exit_code == 2
    assert run(fake, "models", word, "flights", "v2", "--reason", "seen it").exit_code == 0
    body = fake.requests[-1].body
    assert isinstance(body, bytes)
    assert json.loads(body) == {"reason": "seen it"}


@pytest.mark.parametrize(
    ("state", "code"), [("APPROVED", 0), ("REGISTERED", 0), ("REJECTED", 4), ("NEEDS_PERSON", 4)]
)
def test_a_gate_that_refuses_ends_with_4_and_its_sentence(run: Run, state: str, code: int) -> None:
    verdict = {"clause": "f1 >= 0.9", "outcome": "failed", "detail": "f1 is 0.8; at least 0.9 is needed"}
    fake = FakeStage({"POST /models/flights/v2/judge": ok(MODEL | {"state": state, "verdicts": [verdict]})})
    result = run(fake, "models", "judge", "flights", "v2")
    assert result.exit_code == code
    assert ("f1 is 0.8" in result.stderr) is (code == 4)


def test_judgements_say_when_by_whom_and_by_which_gate(run: Run) -> None:
    fake = FakeStage({"GET /models/flights/v2": MODEL})
    result = run(fake, "-o", "json", "models", "show", "flights", "v2", "--judgements")
    first, second = json.loads(result.stdout)
    assert (first["by"], first["champion"], first["gate"]) == ("the gate", "v1", ["roc_auc >= 0.6"])
    assert (second["by"], second["reasons"]) == ("a person", ["by ann"])
