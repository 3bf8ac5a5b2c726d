"""What a recipe leaves is held against the contract before it becomes a model version."""

import json
from typing import Any

import pytest
from chalicelib.training.archive import BadArtifact
from chalicelib.training.documents import parse_documents

from tests.unit.training.world import make_documents, make_evaluation

GOLDEN = {"record": {"distance": 1.0}, "prediction": {"value": True}}


def documents(**changes: Any) -> dict[str, bytes]:
    """Return good documents with the members of evaluation.json changed."""
    return make_documents(make_evaluation(**changes))


def test_good_documents_become_what_a_row_needs() -> None:
    parsed = parse_documents(documents(), "classification")
    assert parsed.evaluation.primary == "log_loss"
    assert parsed.versions == {"python": "3.12.1", "numpy": "2.5.1"}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"format": 2}, "format is 2, not 1"),
        ({"task": "regression"}, "task is 'regression', but the pipeline's is 'classification'"),
        ({"rows": -1}, "rows is -1"),
        ({"primary": "rmse"}, "metrics.challenger has no 'rmse', the primary metric"),
        ({"higher_is_better": {}}, "higher_is_better does not know 'log_loss'"),
        (
            {"differences": {"champion": None, "baseline": {}}},
            "differences.baseline has no 'log_loss': the interval",
        ),
        (
            {"differences": {"baseline": {"log_loss": {"estimate": 0.0, "low": 1.0, "high": -1.0}}}},
            "differences.baseline.log_loss goes from 1.0 to -1.0",
        ),
    ],
)
def test_an_evaluation_that_breaks_the_contract_is_refused_by_its_place(
    changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(BadArtifact, match=r"^evaluation\.json: ") as raised:
        parse_documents(documents(**changes), "classification")
    assert says in str(raised.value)


def test_a_metric_that_is_null_is_left_to_the_gate() -> None:
    metrics = {"challenger": {"log_loss": None}, "baseline": {"log_loss": 0.6}}
    parsed = parse_documents(documents(metrics=metrics), "classification")
    assert parsed.evaluation.value("log_loss") is None


@pytest.mark.parametrize(
    ("name", "body", "says"),
    [
        ("evaluation.json", b'{"rows": NaN}', "it has NaN, which is no JSON; write null"),
        ("evaluation.json", b"\xff", "evaluation.json cannot be read"),
        ("versions.json", b"{}", "versions.json cannot be read"),
        ("signature.json", b'{"inputs": [{"name": "a", "type": "colour"}]}', "signature.json cannot be read"),
        ("golden.jsonl", b"", "golden.jsonl has 0 rows"),
        ("golden.jsonl", b'{"record": {}}\n', "golden.jsonl cannot be read"),
        ("golden.jsonl", b'{"record": {}, "prediction": {}}\n', "row 0: the prediction has none of value"),
        ("golden.jsonl", (json.dumps(GOLDEN) + "\n").encode() * 1001, "golden.jsonl has 1001 rows"),
    ],
)
def test_a_document_that_nobody_could_use_is_named(name: str, body: bytes, says: str) -> None:
    with pytest.raises(BadArtifact) as raised:
        parse_documents(documents() | {name: body}, "classification")
    assert says in str(raised.value)
