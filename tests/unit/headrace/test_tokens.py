"""What the commands for tokens ask for and show."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from click.testing import Result

from headrace.operate.commands import tokens as command
from infra import tokens as stored
from infra.errors import NoSuchToken
from infra.stage import Stage
from infra.tokens import Minted
from shared.entities.pipeline import Name
from shared.entities.serving import Token
from tests.unit.headrace.conftest import Run
from tests.unit.headrace.fake_stage import Nobody

Tokens = Callable[..., Result]


class Table:
    """Stands for the stage's table of tokens."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.rows = [
            row("tok_1", None),
            row("tok_2", "2020-01-01T00:00:00Z"),
            row("tok_3", "2999-01-01T00:00:00Z", revoked=True),
        ]

    def mint(self, _: Stage, **asked: Any) -> Minted:
        self.asked.append(asked)
        return Minted(token="hr_secret", row=row("tok_9", asked["expires_at"]))

    def revoke(self, _: Stage, token_id: str) -> Token:
        raise NoSuchToken(f"no token {token_id!r}")


def row(token_id: str, expires_at: str | None, *, revoked: bool = False) -> Token:
    return Token(
        token_sha256="0" * 64, token_id=token_id, scopes=("read",), expires_at=expires_at, revoked=revoked
    )


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Table:
    fake = Table()
    stage = Stage(name="dev", region="eu-west-1", account="111122223333")
    monkeypatch.setattr(command, "stage_of", lambda *_: stage)
    monkeypatch.setattr(stored, "mint_token", fake.mint)
    monkeypatch.setattr(stored, "list_tokens", lambda _: fake.rows)
    monkeypatch.setattr(stored, "revoke_token", fake.revoke)
    return fake


@pytest.fixture
def tokens(run: Run, tmp_path: Path, table: Table) -> Tokens:
    for name in ("ingest_service", "training_service", "inference_service", "infra"):
        (tmp_path / name).mkdir()
    return lambda *args: run(Nobody(), "tokens", *args, "--stage", "dev", "-o", "json")


def test_a_token_may_only_read_unless_more_was_asked_for(tokens: Tokens, table: Table) -> None:
    result = tokens("create")
    assert json.loads(result.stdout)["token"] == "hr_secret"
    assert "the only time" in result.stderr
    asked = table.asked[0]
    assert (asked["scopes"], asked["pipelines"], asked["expires_at"]) == (("read",), ("*",), None)


def test_what_was_asked_for_is_what_is_made(tokens: Tokens, table: Table) -> None:
    tokens("create", "--scope", "predict", "--scope", "upload", "--pipeline", "flights", "--expires", "90d")
    asked = table.asked[0]
    assert (asked["scopes"], asked["pipelines"]) == (("predict", "upload"), ("flights",))
    assert asked["expires_at"].endswith("Z")


@pytest.mark.parametrize(
    "options",
    [("--scope", "admin"), ("--expires", "tomorrow"), ("--expires", "0d"), ("--pipeline", "No Such")],
)
def test_what_makes_no_sense_is_wrong_usage_and_makes_no_token(
    tokens: Tokens, table: Table, options: tuple[str, str]
) -> None:
    assert tokens("create", *options).exit_code == 2
    assert table.asked == []


def test_the_list_says_which_token_still_works(tokens: Tokens) -> None:
    listed = json.loads(tokens("ls").stdout)
    assert [(one["id"], one["state"]) for one in listed] == [
        ("tok_1", "works"),
        ("tok_2", "expired"),
        ("tok_3", "revoked"),
    ]
    assert "0000" not in json.dumps(listed)
    assert listed[0]["scopes"] == ["read"], "a program gets a list"


def test_a_pipelines_name_is_what_a_definition_may_be_called() -> None:
    _, meta = get_args(Name)
    assert command._PIPELINE.pattern == meta.pattern.strip("^$")


def test_to_revoke_what_is_not_there_ends_with_3(tokens: Tokens) -> None:
    assert tokens("revoke", "tok_0").exit_code == 3
