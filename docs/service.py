"""The services' packages for the generators: their folders are on the path of a Lambda, not of this checkout."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def find_the_service(name: str = "ingest") -> None:
    """Make ``chalicelib.<name>`` importable."""
    path = str(ROOT / f"{name}_service")
    if path not in sys.path:
        sys.path.append(path)
