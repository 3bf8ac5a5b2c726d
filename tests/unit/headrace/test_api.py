import json
import stat
from pathlib import Path
from typing import Any

import click
import pytest

from headrace.client.credentials import Credentials, find_credentials, read_credentials, write_credentials
from headrace.failures import Failure
from tests.unit.headrace.conftest import Run
from tests.unit.headrace.fake_stage import TOKEN, URL, FakeStage, Nobody, ok, problem

KEPT = Credentials(stage="local", url="http://127.0.0.1:9", token="hr_kept")
EMPTY: dict[str, Any] = {"versions": [], "next": None}


@pytest.mark.parametrize(
    ("status", "code"), [(400, 6), (401, 1), (403, 1), (404, 3), (409, 1), (413, 6), (422, 6), (500, 1)]
)
def test_a_problem_becomes_one_line_and_its_exit_code(run: Run, status: int, code: int) -> None:
    fake = FakeStage({"GET /models/flights": problem(status, "Some title", "What was wrong.")})
    result = run(fake, "models", "ls", "flights")
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr.startswith("Error: Some title: What was wrong")
    assert result.stderr.count("\n") == 1


def test_each_wrong_field_is_named(run: Run, tmp_path: Path) -> None:
    errors = [
        {"pointer": "/gate/0", "detail": "no such metric"},
        {"pointer": "/split", "detail": "unknown key"},
    ]
    refused = problem(422, "Invalid body", "2 fields are wrong.", errors=errors)
    (tmp_path / "p.yaml").write_text("name: flights\n")
    result = run(FakeStage({"PUT /pipelines/flights": refused}), "apply", str(tmp_path / "p.yaml"))
    assert result.exit_code == 6
    assert "/gate/0: no such metric; /split: unknown key" in result.stderr


def test_an_answer_that_is_no_problem_document_is_told_by_its_status(run: Run) -> None:
    fake = FakeStage({"GET /models/flights": ok(["<html>"], 418)})
    result = run(fake, "models", "ls", "flights")
    assert (result.exit_code, result.stderr) == (1, "Error: HTTP 418\n")


def test_control_characters_of_an_answer_never_reach_the_terminal(run: Run) -> None:
    fake = FakeStage({"GET /models/flights": problem(422, "Bad", "\x07\x9bred\n")})
    assert not {"\x07", "\x9b"} & set(run(fake, "models", "ls", "flights").stderr)


def test_nobody_there_ends_with_5_and_says_how_to_start(run: Run) -> None:
    result = run(Nobody(), "datasets", "ls", "flights")
    assert result.exit_code == 5
    assert "start it with `headrace up`" in result.stderr


def test_what_is_throttled_is_tried_again_and_a_change_under_one_key(run: Run) -> None:
    busy = problem(429, "Too many requests", "slow down")
    fake = FakeStage(
        {"GET /models/flights": [busy, busy, EMPTY], "POST /endpoints/flights/rollback": [busy, {}]}
    )
    assert run(fake, "models", "ls", "flights").exit_code == 0
    for _ in range(2):
        assert run(fake, "rollback", "flights").exit_code == 0
    keys = [r.headers["Idempotency-Key"] for r in fake.requests if r.method == "POST"]
    # Two tries of the first command, one of the second.
    assert (len(keys), len(set(keys)), keys[0] == keys[1]) == (3, 2, True)


def test_a_look_waits_as_long_as_the_server_asks(run: Run) -> None:
    waits: list[float] = []
    busy = problem(503, "Service unavailable", "x")
    asked = type(busy)(status=503, headers={"retry-after": "3"}, body=busy.body)
    fake = FakeStage({"GET /models/flights": [asked, busy, EMPTY]})
    run(fake, "models", "ls", "flights", sleep=waits.append)
    assert waits == [3.0, 2.0]


def test_a_list_is_read_page_after_page(run: Run) -> None:
    pages = [{"versions": [{"version": "v2"}], "next": "c"}, {"versions": [{"version": "v1"}], "next": None}]
    fake = FakeStage({"GET /models/flights": pages})
    result = run(fake, "-o", "json", "models", "ls", "flights")
    assert [row["version"] for row in json.loads(result.stdout)] == ["v2", "v1"]
    assert "cursor=c" in fake.requests[1].url


def test_every_request_carries_the_token_and_escapes_what_people_type(run: Run) -> None:
    fake = FakeStage({})
    assert run(fake, "models", "ls", "../tokens?x=1").exit_code == 3
    assert fake.requests[0].url.startswith(f"{URL}/v1/models/..%2Ftokens%3Fx%3D1?")
    assert fake.requests[0].headers["Authorization"] == f"Bearer {TOKEN}"


def test_wrong_usage_ends_with_2_and_a_near_name(run: Run) -> None:
    result = run(FakeStage({}), "uplaod")
    assert result.exit_code == 2
    assert "upload" in result.stderr
    assert run(FakeStage({}), "predict", "flights").exit_code == 2
    assert run(FakeStage({}), "promote", "flights", "v1", "--force").exit_code == 2


def test_credentials_are_kept_for_their_owner_only_and_found_from_below(tmp_path: Path) -> None:
    file = write_credentials(KEPT, tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert read_credentials("local", below) == KEPT
    assert write_credentials(KEPT, tmp_path) == file


def test_the_environment_comes_first_but_never_for_a_stage_that_is_named(tmp_path: Path) -> None:
    write_credentials(KEPT, tmp_path)
    exported = {"HEADRACE_URL": URL, "HEADRACE_TOKEN": TOKEN}
    assert find_credentials(None, exported, tmp_path).token == TOKEN
    assert find_credentials("local", exported, tmp_path) == KEPT
    assert find_credentials(None, {}, tmp_path) == KEPT
    with pytest.raises(Failure, match="no address and token for the stage 'prod'"):
        find_credentials("prod", exported, tmp_path)


def test_a_token_never_travels_in_clear_text_over_a_network(tmp_path: Path) -> None:
    exported = {"HEADRACE_URL": "http://headrace.example", "HEADRACE_TOKEN": TOKEN}
    with pytest.raises(Failure, match="clear text"):
        find_credentials(None, exported, tmp_path)
    with pytest.raises(Failure, match="no address"):
        find_credentials(None, {**exported, "HEADRACE_URL": "file:///etc/passwd"}, tmp_path)


def test_a_token_may_end_with_a_line_and_holds_nothing_that_is_none(tmp_path: Path) -> None:
    exported = {"HEADRACE_URL": URL, "HEADRACE_TOKEN": f"{TOKEN}\r\n"}
    assert find_credentials(None, exported, tmp_path).token == TOKEN
    for wrong in ("a\nb", "\x01", "hr_é"):
        with pytest.raises(Failure, match="is no token"):
            find_credentials(None, {**exported, "HEADRACE_TOKEN": wrong}, tmp_path)


def test_a_broken_file_of_credentials_is_named(tmp_path: Path) -> None:
    file = write_credentials(KEPT, tmp_path)
    for broken in (b"{", b'{"stage":"local","url":"\xff","token":"x"}'):
        file.write_bytes(broken)
        with pytest.raises(Failure, match=r"local\.json cannot be read"):
            read_credentials("local", tmp_path)


def test_a_stage_name_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    with pytest.raises(click.UsageError, match="is no stage"):
        find_credentials("../x", {}, tmp_path)
