"""AWS over HTTP: a light client for the calls of every request, boto3 for the rare ones.

``signing`` proves who asks, ``credentials`` says who that is, ``endpoints`` where a service is, ``wire`` frames
requests and answers, ``connections`` keeps sockets open, ``service`` tries again with patience, ``json_api`` speaks the JSON protocol, ``errors`` turns refusals
into ours. ``boto`` makes boto3 clients: for control planes, imported when first asked for.
"""

from shared.aws.boto import client
from shared.aws.errors import CREATING, AwsRefusal, NoAnswer, aws_errors, sagemaker_errors
from shared.aws.json_api import JsonApi, dynamodb, event_bridge, json_body, secrets_manager
from shared.aws.service import Call, Content, Service, s3, sagemaker_runtime

__all__ = [
    "CREATING",
    "AwsRefusal",
    "Call",
    "Content",
    "JsonApi",
    "NoAnswer",
    "Service",
    "aws_errors",
    "client",
    "dynamodb",
    "event_bridge",
    "json_body",
    "s3",
    "sagemaker_errors",
    "sagemaker_runtime",
    "secrets_manager",
]
