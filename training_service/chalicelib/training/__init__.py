"""The training service: from a dataset version that is ready to a model version that is approved, or not."""
