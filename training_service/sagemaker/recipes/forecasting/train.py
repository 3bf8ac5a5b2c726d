"""Entry script of a training job (`sagemaker_program`)."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from recipe.threads import cap_threads

cap_threads(os.environ)

# Imported only now: numpy and OpenMP read their thread variables once, on import.
from forecasting.family import FORECASTING  # type: ignore[import-not-found]  # noqa: E402
from recipe.training import Paths, run  # noqa: E402

if __name__ == "__main__":
    sys.exit(run(FORECASTING, Paths.under(Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")))))
