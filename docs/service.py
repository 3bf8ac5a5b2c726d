"""The services' packages for the generators: their folders are on the path of a Lambda, not of this checkout."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SERVICES = ("ingest", "training", "inference")


def find_the_services() -> None:
    """Make ``chalicelib.ingest``, ``.training`` and ``.inference`` importable."""
    for service in SERVICES:
        path = str(ROOT / f"{service}_service")
        if path not in sys.path:
            sys.path.append(path)
