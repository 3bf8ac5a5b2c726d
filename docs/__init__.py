"""The documents, and what generates the generated ones."""
