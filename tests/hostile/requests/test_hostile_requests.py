"""A thousand requests made to harm are answered in one shape, and none of them breaks the service."""

import contextlib
import json
from collections.abc import Callable, Iterator
from itertools import chain, islice

import pytest

from tests.attack_report import AttackReport, Attacks
from tests.clouds import ROOT
from tests.hostile.requests.attacks import Attack
from tests.hostile.requests.attacks import attacks as drawn
from tests.hostile.requests.schema_attacks import schema_attacks
from tests.hostile.requests.sending import Sender, complaint, outcome
from tests.stage import Stage

ALL = "all requests"
DOCUMENT = json.loads((ROOT / "docs" / "reference" / "openapi.json").read_text(encoding="utf-8"))


def mixed(pipeline: str, count: int, *, per_route: int, seed: int) -> Iterator[Attack]:
    """Yield *count* requests: a few of schemathesis for every route, the others of our own."""
    names = {
        "pipeline": pipeline,
        "version": "v1",
        "id": "request-0",
        "job_id": "0" * 20,
        "name": "roc",
        "upload_id": "u",
    }
    return islice(
        chain(schema_attacks(DOCUMENT, names, per_route=per_route), drawn(DOCUMENT, names, seed=seed)),
        count,
    )


def complaints(stage: Stage, requests: Iterator[Attack], attacks: Attacks) -> tuple[int, list[str]]:
    """Send everything; return how many there were and what was wrong with the answers.

    A request counts among the attacks once for every kind of harm in it, and once for all together.
    """
    wrong, sent = [], 0
    with contextlib.closing(Sender(stage)) as sender:
        for attack in requests:
            sent += 1
            reply = sender.send(attack)
            said = complaint(attack, reply)
            for kind in (ALL, *(attack.kinds or {"nothing"})):
                attacks.note(kind, outcome(reply), wrong=said is not None, took_s=reply.took_s)
            if said is None:
                continue
            wrong.append(
                f"{attack.method} {attack.target[:200]} {attack.headers} {attack.body[:200]!r} -> {said}"
            )
    return sent, wrong


@pytest.fixture(scope="session")
def target(stage: Stage) -> str:
    """The name of a pipeline that has nothing yet."""
    stage.put_pipeline("hostile", target="late")
    return "hostile"


def test_a_thousand_hostile_requests_are_answered_in_one_shape(
    stage: Stage, target: str, attacks: Attacks
) -> None:
    sent, wrong = complaints(stage, mixed(target, 1_000, per_route=4, seed=1), attacks)
    assert (sent, wrong[:10]) == (1_000, [])


def test_the_judge_knows_a_bad_answer_and_the_report_counts_it(stage: Stage) -> None:
    counted = AttackReport().of("here")
    find: Callable[[str], tuple[int, list[str]]] = lambda path: complaints(  # noqa: E731
        stage, iter([Attack(method="GET", target=path)]), counted
    )
    assert find("/v1/pipelines") == (1, [])
    assert counted.families[ALL].wrong == 0
    # A page of the site is no problem document: the judge must say so.
    assert "of type" in find("/no-such-page")[1][0]
    assert (counted.families[ALL].tried, counted.families[ALL].wrong) == (2, 1)
