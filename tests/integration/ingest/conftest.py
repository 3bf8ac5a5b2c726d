"""The ingest service on in-memory adapters with its real engine, as the unit tests have it."""

from tests.unit.ingest.fixtures import csv, rest, world

__all__ = ["csv", "rest", "world"]
