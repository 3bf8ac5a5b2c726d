"""The documents say what is true: generated files equal the code, commands exist, links lead somewhere."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from docs.generate import generated
from tests.clouds import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*_service/README.md")])


@pytest.mark.parametrize(("path", "text"), list(generated()), ids=lambda value: getattr(value, "name", ""))
def test_a_generated_file_equals_the_code(path: Path, text: str) -> None:
    assert path.exists(), f"run `make docs`: {path.name} is missing"
    assert path.read_text(encoding="utf-8") == text, f"run `make docs`: {path.name} is out of date"


def test_the_openapi_document_is_valid() -> None:
    validate(json.loads((ROOT / "docs" / "reference" / "openapi.json").read_text(encoding="utf-8")))


def shell_lines(page: Path) -> list[str]:
    """Return the lines of a page's code blocks that call `make` or `headrace`, without prompt and comment."""
    blocks = re.findall(
        r"^```(?:sh|bash)?\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    lines = [line.split("#")[0].strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
    return [line for line in lines if re.match(r"(make|headrace) ", line)]


COMMANDS = sorted({(page.name, line) for page in PAGES for line in shell_lines(page)})


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_a_command_in_the_documents_exists(page: str, line: str) -> None:
    words = [word for word in line.split() if not word.startswith("-")]
    if words[0] == "make":
        assert re.search(rf"^{words[1]}\b.*:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        return
    done = subprocess.run(
        [sys.executable, "-m", "headrace", words[1], "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{page}: {line}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_relative_link_leads_to_a_file(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_environment_is_pinned_with_hashes_and_names_no_host() -> None:
    for source in ROOT.glob("requirements/*.in"):
        pinned = source.with_suffix(".txt").read_text(encoding="utf-8")
        assert "--hash=sha256:" in pinned, source.name
        assert "http" not in re.sub(r"^[a-z0-9-]*http[a-z0-9-]*==.*$", "", pinned, flags=re.MULTILINE), (
            source.name
        )
