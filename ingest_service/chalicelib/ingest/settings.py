"""What the ingest service reads from its environment."""

from shared import settings


class Settings(settings.Settings, frozen=True, kw_only=True):
    """Tables and buckets of one stage."""

    pipelines_table: str
    datasets_table: str
    incoming_bucket: str
    data_bucket: str
    code_version: str = "unversioned"
