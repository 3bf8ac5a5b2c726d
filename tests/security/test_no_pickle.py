"""No code that loads a model, or a request, can unpickle; and no model that is made needs it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Everything that may ever read an artifact, a champion or a request.
LOADING = [
    ROOT / "training_service" / "sagemaker" / "recipes",
    ROOT / "training_service" / "chalicelib",
    ROOT / "inference_service",
    ROOT / "ingest_service" / "chalicelib",
    ROOT / "localcloud" / "sagemaker",
    ROOT / "shared",
]
UNPICKLING = {"pickle", "cPickle", "_pickle", "joblib", "dill", "cloudpickle", "shelve", "marshal"}


def sources() -> list[Path]:
    return [path for folder in LOADING for path in sorted(folder.rglob("*.py")) if "vendor" not in path.parts]


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def loads_of_numpy(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"np.load", "numpy.load"}:
            yield node


def test_the_walk_sees_the_code_that_loads_models() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in sources()}
    assert "training_service/sagemaker/recipes/common/recipe/artifact.py" in names
    assert "localcloud/sagemaker/serving/sklearn_container/codec.py" in names
    assert len(names) > 200


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_module_on_the_path_can_unpickle(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert UNPICKLING.isdisjoint(imported(tree))
    for call in loads_of_numpy(tree):
        allowed = {keyword.arg: keyword.value for keyword in call.keywords}.get("allow_pickle")
        assert isinstance(allowed, ast.Constant), f"line {call.lineno} does not say allow_pickle=False"
        assert allowed.value is False
