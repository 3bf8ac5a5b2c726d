"""Every difference to AWS names how it was found and tests that exist."""

import ast
import re

import pytest

from tests.clouds import ROOT

PAGE = ROOT / "docs" / "known-differences.md"
ROWS = [
    line
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| on AWS")
]
TESTS = sorted({name for row in ROWS for name in re.findall(r"`(tests/[^`]+)`", row)})


@pytest.mark.parametrize("row", ROWS)
def test_a_difference_says_how_it_was_found_and_what_keeps_the_product_right(row: str) -> None:
    *_, found, kept_by = [cell.strip() for cell in row.strip("|").split("|")]
    assert set(re.split(", ", found)) <= {"read", "tried", "docs", "own choice"}
    assert re.search(r"`tests/", kept_by)


@pytest.mark.parametrize("name", TESTS)
def test_a_test_that_is_named_exists(name: str) -> None:
    file, _, function = name.partition("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert function in names if function else any(one.startswith("test_") for one in names)
