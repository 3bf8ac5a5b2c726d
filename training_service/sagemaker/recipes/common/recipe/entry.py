"""What the two entry scripts of every family do, once the family is known by its name.

numpy and OpenMP read their thread variables once, on import: so threads are capped first, and whatever needs them is
imported only then.
"""

import os
from importlib import import_module
from pathlib import Path
from typing import Any

from .threads import cap_threads


def train_as(family: str) -> int:
    """Run the training job in `/opt/ml` (or `SAGEMAKER_BASE_DIR`); return the exit code."""
    cap_threads(os.environ)
    from .training import Paths, run

    chosen = getattr(import_module(f"{family}.family"), family.upper())
    return run(chosen, Paths.under(Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))))


def serve_as(family: str) -> tuple[Any, Any]:
    """Return `model_fn` and `transform_fn` of the image's contract."""
    # The server already runs one worker per CPU; a second thread for one request only gets in the way.
    cap_threads(os.environ, most=1)
    from .serving import endpoint_functions

    return endpoint_functions(import_module(f"{family}.serving").SERVING)
