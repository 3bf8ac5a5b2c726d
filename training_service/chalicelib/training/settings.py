"""What the training service reads from its environment."""

from shared.settings import Settings


class TrainingSettings(Settings, frozen=True, kw_only=True):
    """``recipes`` maps a family to the SHA-256 of its tarball under ``code/`` in the models bucket."""

    pipelines_table: str
    datasets_table: str
    releases_table: str
    jobs_table: str
    models_table: str
    data_bucket: str
    models_bucket: str
    sagemaker_role_arn: str
    signing_key_arn: str
    training_image_uri: str
    recipes: dict[str, str]
    max_training_jobs: int = 1
