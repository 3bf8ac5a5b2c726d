"""What a simulated training leaves: an archive whose evaluation passes the gate, or does not."""

import gzip
import io
import json
import tarfile
from typing import Any

import msgspec

from tests.simulation.models import KNOWN, RECORD, answer_of

_GOLDEN = {"record": RECORD, "prediction": msgspec.to_builtins(answer_of("", KNOWN))}


def archive(job: str, parameters: dict[str, Any], *, is_good: bool) -> bytes:
    """Return ``model.tar.gz`` of the SageMaker job *job*: no two jobs leave the same bytes."""
    champion = (parameters.get("champion") or {}).get("version")
    own = {
        "evaluation.json": json.dumps(_evaluation(parameters, champion, is_good=is_good)).encode(),
        "card.md": job.encode(),
    }
    return gzip.compress(_ALIKE + _packed(own) + bytes(_END_BYTES), compresslevel=1, mtime=0)


def _packed(documents: dict[str, bytes]) -> bytes:
    """Return a tar archive of *documents* without its end, so that another may follow."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, body in documents.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
        size = tar.offset
    return out.getvalue()[:size]


_SIGNATURE = json.dumps(
    {
        "format": 1,
        "task": "classification",
        "target": {"name": "late", "type": "boolean"},
        "inputs": [{"name": "distance", "type": "number", "required": True, "categories": None}],
        "classes": [False, True],
    }
).encode()
_SERVING = json.dumps(
    {
        "format": 1,
        "method": "one by one",
        "requests": 100,
        "metrics": {"challenger": {"latency_p95_ms": 4.0}, "champion": None},
        "differences": {"champion": None},
    }
).encode()

_END_BYTES = 2 * tarfile.BLOCKSIZE
# Packed once: a training costs enough as it is.
_ALIKE = _packed(
    {
        "serving.json": _SERVING,
        "signature.json": _SIGNATURE,
        "versions.json": b'{"python": "3.12.1", "packages": {}}',
        "golden.jsonl": json.dumps(_GOLDEN).encode() + b"\n",
        "code/inference.py": b"print()\n",
    }
)


def _evaluation(parameters: dict[str, Any], champion: str | None, *, is_good: bool) -> dict[str, Any]:
    loss = 0.5 if is_good else 0.7
    interval = {"estimate": loss - 0.6, "low": loss - 0.61, "high": loss - 0.59}
    beside = {"log_loss": interval}
    return {
        "format": 1,
        "purpose": parameters.get("purpose", "train"),
        "task": parameters["task"],
        "rows": 500,
        "trained_through": None,
        "primary": "log_loss",
        "metrics": {
            "challenger": {"log_loss": loss, "roc_auc": 0.7},
            "champion": {"log_loss": 0.6, "roc_auc": 0.7} if champion else None,
            "baseline": {"log_loss": 0.6, "roc_auc": 0.5},
        },
        "higher_is_better": {"log_loss": False, "roc_auc": True},
        "differences": {"champion": beside if champion else None, "baseline": beside},
        "champion_version": champion,
        "champion_error": None,
    }
