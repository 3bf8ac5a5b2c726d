"""What a program of the SDK sets up once: its log, and a session with a default bucket, without which it asks AWS's own STS."""

import os

import boto3
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.utils.utils import configure_logging

BUCKET = os.environ["BUCKET"]
ROLE = os.environ["ROLE"]
REGION = os.environ["AWS_DEFAULT_REGION"]
configure_logging()


def session() -> Session:
    """Return a session whose buckets and calls are the environment's."""
    return Session(boto_session=boto3.Session(region_name=REGION), default_bucket=BUCKET)
