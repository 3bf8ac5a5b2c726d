"""The ingest service's package for the generators: its folder is on the path of a Lambda, not of this checkout."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def find_the_service() -> None:
    """Make ``chalicelib.ingest`` importable."""
    path = str(ROOT / "ingest_service")
    if path not in sys.path:
        sys.path.append(path)
