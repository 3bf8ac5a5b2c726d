"""What `headrace deploy --plan` prints, with an account and without."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from botocore.exceptions import NoCredentialsError
from click.testing import Result

from infra import deploy as deploying
from infra import own_key
from infra.planning import plan as planning
from infra.planning import quotas
from infra.planning.plan import Chosen, Costs, Plan
from infra.planning.rows import Quota, Resource, Statement
from infra.planning.statements import key_statements
from infra.prices import cost_line
from infra.stage import Stage
from tests.unit.headrace.conftest import Run
from tests.unit.headrace.fake_stage import Nobody

Planned = Callable[..., Result]


def fake_plan(of: Chosen, *, root: Path, asked: list[Quota] | None) -> Plan:
    stage = of.stage
    line = cost_line("keys", "kms.key", 2)
    return Plan(
        stage=stage.name,
        region=stage.region,
        account=stage.account,
        resources=[Resource(made_by="chalice", part="ingest", type="AWS::Lambda::Function", name="f")],
        statements=[
            Statement(on="role", sid="", effect="Allow", actions=("s3:GetObject",), resources=("arn:x",))
        ],
        quotas=asked or list(quotas.NEEDED),
        costs=Costs(
            as_of="2025-06",
            region="us-east-1",
            at_rest=[line],
            at_rest_usd=2.0,
            per_million=[],
            per_million_usd=0.0,
        ),
        key_policy=list(key_statements(stage, of.own_key)),
    )


def nobody(name: str) -> Stage:
    raise NoCredentialsError


@pytest.fixture
def planned(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Planned:
    for name in ("ingest_service", "training_service", "inference_service", "infra"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(planning, "make_plan", fake_plan)
    monkeypatch.setattr(Stage, "of", staticmethod(nobody))
    environ = {"AWS_REGION": "eu-west-1"}
    return lambda *args: run(Nobody(), "deploy", "--plan", "--stage", "dev", *args, environ=environ)


def test_without_an_account_all_is_shown_and_the_quotas_are_only_named(planned: Planned) -> None:
    result = planned()
    assert result.exit_code == 0, result.stderr
    assert "no account reached" in result.stderr
    for told in (
        "Stage dev, eu-west-1, no account asked",
        "ingest      chalice         AWS::Lambda::Function",
        "role: Allow s3:GetObject on arn:x",
        "needed 20, found not read: lambda L-B99A9384",
        "2.000  keys: 2 of kms.key",
    ):
        assert told in result.stdout


def test_a_program_gets_every_field(planned: Planned) -> None:
    told = json.loads(planned("-o", "json").stdout)
    assert told["statements"][0]["actions"] == ["s3:GetObject"]
    assert told["costs"]["at_rest"][0]["usd"] == 2.0


def test_what_the_account_has_too_little_of_is_named_and_ends_with_1(
    planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Stage(name="dev", region="eu-west-1", account="444455556666")
    monkeypatch.setattr(Stage, "of", staticmethod(lambda _: here))

    def ask(_: Any) -> list[Quota]:
        return [msgspec.structs.replace(one, found=10.0) for one in quotas.NEEDED]

    monkeypatch.setattr(quotas, "ask", ask)
    monkeypatch.setattr(deploying, "outputs_of_stacks", lambda _: {})
    result = planned()
    assert result.exit_code == 1
    assert "account 444455556666" in result.stdout
    assert "SHORT  needed 20, found 10: lambda L-B99A9384" in result.stdout
    assert "Concurrent executions is 10, needed 20" in result.stderr
    assert "training job" not in result.stderr


def test_a_key_of_ones_own_is_planned_with_what_its_policy_must_have(planned: Planned) -> None:
    assert "must have" not in planned().stdout
    key = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd"
    told = planned("--own-key", key).stdout
    assert f"{key}: Allow to events.amazonaws.com kms:Decrypt, kms:GenerateDataKey on * if" in told
    refused = planned("--own-key", key.replace("eu-west-1", "us-west-2"))
    assert (refused.exit_code, "is in us-west-2; the stage is in eu-west-1" in refused.stderr) == (1, True)


def test_in_an_account_the_plan_starts_from_what_was_chosen_last_and_asks_for_a_new_key(
    planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Chosen] = []
    asked: list[str] = []
    here = Stage(name="dev", region="eu-west-1", account="111122223333")
    monkeypatch.setattr(Stage, "of", staticmethod(lambda _: here))
    monkeypatch.setattr(quotas, "ask", lambda _: [])

    def noting_plan(of: Chosen, **more: Any) -> Plan:
        seen.append(of)
        return fake_plan(of, **more)

    monkeypatch.setattr(planning, "make_plan", noting_plan)
    monkeypatch.setattr(own_key, "check_key", lambda _, arn: asked.append(arn))
    monkeypatch.setattr(deploying, "outputs_of_stacks", lambda _: {"WithWaf": "true", "AlertEmail": "a@b.c"})
    key = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd"
    assert [planned(*more).exit_code for more in ((), ("--no-waf", "--own-key", key))] == [0, 0]
    assert [(of.parameters["WithWaf"], of.parameters["AlertEmail"]) for of in seen] == [
        ("true", "a@b.c"),
        ("false", "a@b.c"),
    ]
    assert asked == [key]


def test_templates_are_only_written_by_a_plan(run: Run, tmp_path: Path) -> None:
    result = run(Nobody(), "deploy", "--templates", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert not (tmp_path / "out").exists()
