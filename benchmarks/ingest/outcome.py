"""What every measured program is told and tells; of the standard library alone, for it is part of what is measured."""

import json
from pathlib import Path

BUCKET = "bench"
PIPELINE = "adult"
FIRST = "first"  # the version that later uploads are held against


def tell(**facts: object) -> None:
    """Print *facts* and the most memory that this process ever held, as one JSON line."""
    status = Path("/proc/self/status").read_text()
    (held,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    print(json.dumps({**facts, "memory_mb": round(int(held.split()[1]) / 1024)}), flush=True)
