"""Creating an endpoint when SageMaker reads its own tables a moment late."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from chalicelib.inference.endpoints import SageMakerEndpoints
from chalicelib.inference.plan import plan_endpoint
from chalicelib.inference.states import Refused

from shared.entities.releasing import Serverless
from shared.errors import Unavailable
from tests.fakes import FakeBucket
from tests.unit.inference.fakes import signed_model


class LateSageMaker:
    """Accepts everything but CreateEndpoint, which it refuses with a message."""

    def __init__(self, message: str) -> None:
        self._message = message

    def _accept(self, **_: Any) -> None:
        return

    create_model = create_endpoint_config = delete_model = delete_endpoint_config = _accept

    def create_endpoint(self, **_: Any) -> None:
        """Refuse."""
        error = {"Code": "ValidationException", "Message": self._message}
        raise ClientError(
            {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}},
            "CreateEndpoint",
        )


def create(message: str) -> None:
    model = signed_model(FakeBucket("models"), "v1", None)
    role = "arn:aws:iam::123456789012:role/sagemaker"
    plan = plan_endpoint(model, Serverless(), stage="test", role_arn=role)
    SageMakerEndpoints(LateSageMaker(message)).create(plan)


def test_a_configuration_that_sagemaker_does_not_see_yet_is_tried_again_later() -> None:
    with pytest.raises(Unavailable, match="not find endpoint configuration"):
        create('Could not find endpoint configuration "arn:aws:sagemaker:eu-west-1:1:endpoint-config/x".')


def test_a_request_that_stays_wrong_ends_the_release() -> None:
    with pytest.raises(Refused, match="model data"):
        create("Could not find model data at s3://models/models/flights/v1/model.tar.gz.")
