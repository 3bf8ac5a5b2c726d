"""Entry script of an endpoint: packed as `code/` in model.tar.gz, so that a model serves itself."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from recipe.entry import serve_as

model_fn, transform_fn = serve_as("tabular")

__all__ = ["model_fn", "transform_fn"]
