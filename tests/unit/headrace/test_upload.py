import json
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from headrace.client.transport import HttpAnswer
from headrace.failures import Unreachable
from tests.unit.headrace.conftest import Run
from tests.unit.headrace.fake_stage import URL, FakeStage
from tests.unit.headrace.test_watch import dataset, stage

ROUTE = "POST /datasets/flights/uploads"
GRANTED = {
    "upload": {"url": f"{URL}/bucket", "fields": {"key": "incoming/flights/may.csv", "policy": "cG9s"}},
    "key": "incoming/flights/may.csv",
    "expires_at": "2026-11-22T11:00:00Z",
    "max_bytes": 1000,
}


@pytest.fixture
def may(tmp_path: Path) -> Path:
    file = tmp_path / "may.csv"
    file.write_bytes(b"a,b\r\n1,2\r\n")
    return file


def form_of(fake: FakeStage) -> dict[str, Message]:
    """Parse the form that was sent, as any server would."""
    place = next(i for i, request in enumerate(fake.requests) if request.url == f"{URL}/bucket")
    head = f"Content-Type: {fake.requests[place].headers['Content-Type']}\r\n\r\n".encode()
    assert fake.requests[place].headers["Content-Length"] == str(len(fake.bodies[place]))
    parts: Any = message_from_bytes(head + fake.bodies[place]).get_payload()
    return {str(part.get_param("name", header="content-disposition")): part for part in parts}


def test_a_file_is_sent_as_the_last_field_of_the_form_that_was_granted(run: Run, may: Path) -> None:
    fake = FakeStage({ROUTE: GRANTED, "POST /bucket": HttpAnswer(status=204)})
    result = run(fake, "upload", "flights", str(may), "-o", "json")
    assert result.exit_code == 0
    assert json.loads(fake.asked(ROUTE)[0]) == {"filename": "may.csv", "size_bytes": 10}
    form = form_of(fake)
    assert list(form) == ["key", "policy", "file"]
    assert form["file"].get_payload(decode=True) == may.read_bytes()
    assert json.loads(result.stdout)["key"] == GRANTED["key"]


def test_the_token_is_not_sent_to_the_storage(run: Run, may: Path) -> None:
    fake = FakeStage({ROUTE: GRANTED, "POST /bucket": HttpAnswer(status=204)})
    run(fake, "upload", "flights", str(may))
    assert "Authorization" not in next(r for r in fake.requests if r.url == f"{URL}/bucket").headers


def test_a_file_name_cannot_break_out_of_its_header(run: Run, tmp_path: Path) -> None:
    file = tmp_path / 'a"\r\nX: 1.csv'
    file.write_text("a\n1\n")
    fake = FakeStage({ROUTE: GRANTED, "POST /bucket": HttpAnswer(status=204)})
    assert run(fake, "upload", "flights", str(file)).exit_code == 0
    assert form_of(fake)["file"]["X"] is None


def test_a_file_over_the_limit_is_not_sent_and_ends_with_6(run: Run, may: Path) -> None:
    may.write_bytes(b"x" * 1001)
    fake = FakeStage({ROUTE: GRANTED})
    result = run(fake, "upload", "flights", str(may))
    assert result.exit_code == 6
    assert "the limit is 1000 B" in result.stderr
    assert all(request.url != f"{URL}/bucket" for request in fake.requests)


def test_a_form_that_was_not_taken_is_asked_for_and_sent_again(run: Run, may: Path) -> None:
    def broken(_: FakeStage) -> HttpAnswer:
        raise Unreachable("Connection reset by peer")

    busy = HttpAnswer(status=503, body=b"<Error><Code>SlowDown</Code><Message>m</Message></Error>")
    fake = FakeStage({ROUTE: GRANTED, "POST /bucket": [busy, broken, HttpAnswer(status=204)]})
    waits: list[float] = []
    result = run(fake, "upload", "flights", str(may), sleep=waits.append)
    assert result.exit_code == 0, result.stderr
    assert len(fake.asked(ROUTE)) == 3
    assert waits == [1.0, 2.0]
    assert "SlowDown: m; once more in 1 s" in result.stderr


def test_what_the_storage_says_is_told(run: Run, may: Path) -> None:
    xml = b"<Error><Code>AccessDenied</Code><Message>Policy expired.</Message></Error>"
    fake = FakeStage({ROUTE: GRANTED, "POST /bucket": HttpAnswer(status=403, body=xml)})
    result = run(fake, "upload", "flights", str(may))
    assert result.exit_code == 1
    assert "AccessDenied: Policy expired." in result.stderr


def test_watching_an_upload_follows_its_version_and_not_the_one_before(run: Run, may: Path) -> None:
    old = dataset("READY", version="old", ordinal=0)
    fake = stage(versions=[{"versions": [old]}, {"versions": [old]}, {"versions": [dataset("READY"), old]}])
    fake._answers |= {ROUTE: [GRANTED], "POST /bucket": [HttpAnswer(status=204)]}
    result = run(fake, "upload", "flights", str(may), "--watch", "-o", "json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["dataset_version"] == "abc"
