"""The version of the product, for what it says of itself; a test holds it to ``pyproject.toml``."""

VERSION = "0.1.0"
