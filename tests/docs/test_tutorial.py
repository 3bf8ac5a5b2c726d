"""The tutorial works as it is printed: its commands through the real command, routes and engine; only AWS is in memory."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
from click.testing import CliRunner

from headrace.cli import cli
from headrace.client.transport import HttpAnswer, HttpRequest
from headrace.session import Session
from tests.clouds import ROOT
from tests.unit.ingest.rest import Rest, make_rest
from tests.unit.ingest.world import World

PAGE = (ROOT / "docs" / "tutorials" / "bring-your-own-file.md").read_text(encoding="utf-8")
STAGE = {"HEADRACE_URL": "http://127.0.0.1:4577", "HEADRACE_TOKEN": "hr_test"}
_FILE = re.compile(rb'name="file".*?\r\n\r\n(.*)\r\n--headrace-\w+--\r\n\Z', re.DOTALL)


class ServiceInMemory:
    """What is behind the command's door to the network: the service's routes, and S3 for the forms they grant."""

    def __init__(self, world: World, rest: Rest) -> None:
        self._world, self._rest = world, rest

    def send(self, request: HttpRequest) -> HttpAnswer:
        body = request.body if isinstance(request.body, bytes) else b"".join(request.body or ())
        url = urlsplit(request.url)
        if url.hostname == "incoming.test":
            key = re.search(rb'name="key"\r\n\r\n(.*?)\r\n', body)
            file = _FILE.search(body)
            assert key
            assert file
            self._world.upload(file[1], key=key[1].decode())
            return HttpAnswer(status=204)
        path = f"{url.path}?{url.query}" if url.query else url.path
        status, answer, _ = self._rest(request.method, path, msgspec.json.decode(body) if body else None)
        return HttpAnswer(status=status, body=json.dumps(answer).encode())


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return what runs one line of the page in a folder with the examples, and gives all that it printed."""
    shutil.copytree(ROOT / "examples" / "flights", tmp_path / "examples" / "flights")
    monkeypatch.chdir(tmp_path)
    world = World()
    transport = ServiceInMemory(world, make_rest(world, monkeypatch))

    def run(line: str) -> str:
        if not line.startswith("headrace "):
            return subprocess.run(
                line, shell=True, cwd=tmp_path, check=True, capture_output=True, text=True
            ).stdout
        session = Session(environ=STAGE, folder=tmp_path, transport=lambda: transport, sleep=lambda _: None)
        done = CliRunner().invoke(cli, line.split()[1:], obj=session)
        assert done.exit_code == 0, f"{line}\n{done.output}"
        return done.output

    return run


def change_schema(fields: str) -> None:
    """Replace the fields that a JSON block of the page holds."""
    file = Path("schema.json")
    schema = json.loads(file.read_text())
    new = {field["name"]: field for field in json.loads(fields)}
    assert new.keys() <= {field["name"] for field in schema["fields"]}
    schema["fields"] = [new.get(field["name"], field) for field in schema["fields"]]
    file.write_text(json.dumps(schema))


def words(text: str) -> str:
    return " ".join(text.split())


def test_every_command_of_the_tutorial_prints_what_the_page_shows(shell):
    blocks = re.findall(r"^```(json)?\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert len(blocks) > 5
    for language, text in blocks:
        if language:
            change_schema(text)
            continue
        printed = ""
        for line in text.splitlines():
            if line.startswith("$ "):
                printed = words(shell(line[2:]))
            else:
                assert words(line).removesuffix("…") in printed, line
