"""What the ingest service reads from its environment."""

from shared import settings


class Settings(settings.Settings, frozen=True, kw_only=True):
    """Tables and buckets of one stage."""

    pipelines_table: str
    datasets_table: str
    incoming_bucket: str
    data_bucket: str
    ingest_job_role_arn: str
    ingest_code_uri: str
    training_image_uri: str
    # What one function finishes well within its 15 minutes and its /tmp of 512 MB (decisions 11 and 12).
    max_function_bytes: int = 1 << 30
    code_version: str = "unversioned"
