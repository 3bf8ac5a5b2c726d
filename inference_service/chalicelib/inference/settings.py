"""What the inference service must be told by its environment."""

from shared.settings import Settings as SharedSettings


class Settings(SharedSettings, frozen=True, kw_only=True):
    """The shared names and this service's own; names of tables and buckets are CloudFormation's outputs."""

    pipelines_table: str
    batch_instance: str = "ml.m5.large"
    batch_role_arn: str
    batch_transform_from_bytes: int = 64 * 1024 * 1024
    data_bucket: str
    input_hash_secret_arn: str
    models_bucket: str
    models_table: str
    releases_table: str
    predictions_table: str
    sagemaker_role_arn: str
    signing_key_arn: str
    predictions_ttl_days: int = 30
