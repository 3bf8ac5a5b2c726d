"""Each promise of docs/reliability.md and docs/security.md names tests, and they exist."""

import ast
import re
from functools import cache

import pytest

from tests.clouds import ROOT

PAGES = [ROOT / "docs" / "reliability.md", ROOT / "docs" / "security.md"]
_PROOF = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


@cache
def names_in(path: str) -> frozenset[str]:
    """Return the names of the test functions of a file; none where it is not there."""
    file = ROOT / path
    if not file.exists():
        return frozenset()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_test_that_a_page_names_exists(page) -> None:
    named = [(path, name) for path, name in _PROOF.findall(page.read_text(encoding="utf-8")) if name]
    assert len(named) > 15
    assert [f"{path}::{name}" for path, name in named if name not in names_in(path)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_promise_names_a_test(page) -> None:
    rows = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| **")]
    assert len(rows) > 10
    assert [row for row in rows if not _PROOF.search(row)] == []
