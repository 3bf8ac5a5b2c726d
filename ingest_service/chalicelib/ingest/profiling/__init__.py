"""What the good rows look like, column by column: read by people now, the drift baseline later."""

from chalicelib.ingest.profiling.model import Column, Profile
from chalicelib.ingest.profiling.statistics import profile

__all__ = ["Column", "Profile", "profile"]
