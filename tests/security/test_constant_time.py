"""What is secret is compared in constant time, so that the time of a refusal tells nothing of it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attack_report import Attacks

ROOT = Path(__file__).parents[2]
SERVING = [ROOT / "shared", *(ROOT / f"{name}_service" for name in ("ingest", "training", "inference"))]
# Names of values that a caller must not be able to guess bit by bit.
_SECRET = re.compile(
    r"(secret|password|bearer|(?<!next_)(?<!page_)token|origin_header|\bapi_key)", re.IGNORECASE
)
_EQUALITY = (ast.Eq, ast.NotEq, ast.In, ast.NotIn)
# The tokens of a gate's clause are words of a grammar, not of a caller.
HARMLESS = {f"tokens.kind {sign}" for sign in ("== 'end'", "!= 'end'", "== 'sign'", "== 'name'")}


def sources() -> list[Path]:
    """Return every module that runs in a function."""
    return [
        path
        for folder in SERVING
        for path in sorted(folder.rglob("*.py"))
        if "vendor" not in path.parts and "sagemaker" not in path.parts
    ]


def comparisons(tree: ast.AST) -> Iterator[str]:
    """Yield comparisons by equality or membership in which a secret's name occurs."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and any(isinstance(one, _EQUALITY) for one in node.ops):
            names = [ast.unparse(side) for side in (node.left, *node.comparators)]
            if any(_SECRET.search(name) for name in names if not name.startswith(("'", '"'))):
                yield ast.unparse(node)


def test_the_walk_finds_a_comparison_that_leaks() -> None:
    leaking = "def check(sent, secret):\n    return sent == secret.value or sent in self._secrets"
    assert list(comparisons(ast.parse(leaking))) == ["sent == secret.value", "sent in self._secrets"]
    assert list(comparisons(ast.parse("hmac.compare_digest(sent, secret) and kind == 'token'"))) == []


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_code_compares_a_secret_by_equality(path: Path, attacks: Attacks) -> None:
    leaking = set(comparisons(ast.parse(path.read_text(encoding="utf-8")))) - HARMLESS
    told = "compares a secret by equality" if leaking else "compares none"
    attacks.note("modules read for comparisons of what is secret", told, wrong=bool(leaking))
    assert leaking == set()


def test_the_origin_secret_is_compared_in_constant_time() -> None:
    tree = ast.parse((ROOT / "shared" / "http" / "middleware.py").read_text(encoding="utf-8"))
    called = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert "hmac.compare_digest" in called


def test_a_token_is_looked_up_by_its_hash_and_never_compared() -> None:
    tree = ast.parse((ROOT / "shared" / "auth.py").read_text(encoding="utf-8"))
    (find,) = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "find"]
    assert "self._table.get(hash_token(match[1]))" in ast.unparse(find)
    assert [node for node in ast.walk(find) if isinstance(node, ast.Compare)] == []
