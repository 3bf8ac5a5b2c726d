"""What each function's policy grants, read as IAM would."""

import fnmatch
import json
from pathlib import Path
from typing import Any

SERVICES = ("ingest", "training", "inference")


def functions(root: Path) -> list[tuple[str, Path]]:
    """Return (Lambda function name, rendered policy file) of every function of the three services."""
    found = []
    for service in SERVICES:
        folder = root / f"{service}_service" / ".chalice"
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        for name, options in config["stages"]["local"]["lambda_functions"].items():
            suffix = "" if name == "api_handler" else f"-{name}"
            found.append((f"headrace-{service}-local{suffix}", folder / options["iam_policy_file"]))
    return found


def statements(policy: Path) -> list[dict[str, Any]]:
    """Return the statements with actions and resources as lists."""
    document = json.loads(policy.read_text(encoding="utf-8"))
    for statement in document["Statement"]:
        for member in ("Action", "Resource"):
            value = statement.get(member, [])
            statement[member] = value if isinstance(value, list) else [value]
    found: list[dict[str, Any]] = document["Statement"]
    return found


def grants(policy: Path, action: str, resource: str) -> bool:
    """Say whether *policy* allows *action* on *resource* (conditions are taken as met)."""
    return any(
        any(fnmatch.fnmatchcase(action.lower(), pattern.lower()) for pattern in statement["Action"])
        and any(fnmatch.fnmatchcase(resource, pattern) for pattern in statement["Resource"])
        for statement in statements(policy)
        if statement["Effect"] == "Allow"
    )
