"""Entry script of a training job (`sagemaker_program`)."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from tabular.threads import cap_threads  # type: ignore[import-not-found]

cap_threads(os.environ)

# Imported only now: numpy and OpenMP read their thread variables once, on import.
from tabular.training import Paths, run  # type: ignore[import-not-found]  # noqa: E402

if __name__ == "__main__":
    sys.exit(run(Paths.under(Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")))))
