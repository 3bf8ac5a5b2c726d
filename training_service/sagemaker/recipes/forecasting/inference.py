"""Entry script of an endpoint: packed as `code/` in model.tar.gz, so that a model serves itself."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from recipe.threads import cap_threads

# The server already runs one worker per CPU; a second thread for one request only gets in the way.
cap_threads(os.environ, most=1)

from forecasting.serving import SERVING  # type: ignore[import-not-found]  # noqa: E402
from recipe.serving import endpoint_functions  # noqa: E402

model_fn, transform_fn = endpoint_functions(SERVING)

__all__ = ["model_fn", "transform_fn"]
