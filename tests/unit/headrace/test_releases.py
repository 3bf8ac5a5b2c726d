"""`headrace promote`, `rollback` and `history`: following a release to its end."""

import json
from typing import Any

from tests.unit.headrace.conftest import Run
from tests.unit.headrace.fake_stage import FakeStage, ok

AT = "2026-11-22T10:00:{:02d}Z"


def row(**more: Any) -> dict[str, Any]:
    known = {"pipeline": "flights", "live": "v1", "previous": None, "candidate": None, "phase": "IDLE"}
    plain = {"mode": "direct", "weight": 0.0, "gen": 4, "outcome": None, "reason": None}
    return known | plain | {"live_since": AT.format(0), "updated_at": AT.format(1)} | more


def entry(outcome: str, weight: float, why: str, gen: int = 4) -> dict[str, Any]:
    return {"outcome": outcome, "weight": weight, "why": why, "gen": gen, "candidate": "v2"}


BEGUN = row(candidate="v2", phase="CREATING")
STEPS = [entry("CANARY", 0.5, "60 requests, error_rate 0.0%"), entry("CANARY", 0.1, "golden rows equal")]


def stage(*rows: dict[str, Any], history: Any = None) -> FakeStage:
    return FakeStage(
        {
            "POST /endpoints/flights/promote": ok(BEGUN, 202),
            "POST /endpoints/flights/rollback": ok(row(live="v1"), 200),
            "GET /endpoints/flights": list(rows),
            "GET /endpoints/flights/history": history or {"live": "v2", "entries": STEPS},
        }
    )


def test_a_watched_promotion_tells_each_step_once_and_ends_with_what_is_live(run: Run) -> None:
    fake = stage(
        BEGUN,
        row(candidate="v2", phase="CANARY", mode="canary", weight=0.1),
        row(live="v2", previous="v1", live_since=AT.format(31), outcome="LIVE"),
    )
    result = run(fake, "-o", "json", "promote", "flights", "v2", "--watch")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["live"] == "v2"
    assert result.stderr.count("canary     v2 at 10%: golden rows equal") == 1
    assert result.stderr.count("canary     v2 at 50%: 60 requests") == 1
    assert "release v2: CANARY at 10%" in result.stderr
    assert "v2 is live (30.0 s)" in result.stderr


def test_a_watched_promotion_that_was_rolled_back_ends_with_1_and_the_reason(run: Run) -> None:
    fake = stage(BEGUN, row(outcome="ROLLED_BACK", reason="error_rate > 1%: error_rate is 40.0%"))
    result = run(fake, "promote", "flights", "v2", "--watch")
    assert result.exit_code == 1
    assert "ended ROLLED_BACK: error_rate > 1%: error_rate is 40.0%; live is v1" in result.stderr


def test_a_promotion_overtaken_by_another_generation_is_told_so(run: Run) -> None:
    result = run(stage(row(gen=5, candidate="v3", phase="WARMING")), "promote", "flights", "v2", "--watch")
    assert result.exit_code == 1
    assert "the release of v2 ended otherwise" in result.stderr


def test_a_watched_rollback_that_is_over_at_once_ends_at_once(run: Run) -> None:
    result = run(stage(row(live="v1")), "rollback", "flights", "--watch")
    assert result.exit_code == 0, result.stderr
    assert "v1 is live" in result.stderr


def test_the_history_at_a_time_says_what_was_live_then(run: Run) -> None:
    fake = stage(row())
    result = run(fake, "history", "flights", "--at", AT.format(5))
    assert result.exit_code == 0, result.stderr
    assert "was v2" in result.stderr
    assert "at=2026-11-22T10%3A00%3A05Z" in fake.requests[-1].url
