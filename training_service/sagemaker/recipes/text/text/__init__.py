"""The text family: which class a text belongs to."""
