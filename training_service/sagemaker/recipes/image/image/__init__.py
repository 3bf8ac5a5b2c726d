"""The image family: which class a picture belongs to."""
