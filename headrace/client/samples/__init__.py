"""The first rows of a data file, whatever its format: one module per format."""
