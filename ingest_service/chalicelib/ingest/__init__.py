"""The ingest service: from an uploaded file to a dataset version."""
