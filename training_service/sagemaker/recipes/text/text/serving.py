"""How the models of this family are loaded and asked."""

from recipe.row_serving import serve_rows

from .predictor import Predictor

SERVING = serve_rows(Predictor)
