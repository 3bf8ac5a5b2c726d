"""Settings and AWS errors speak clearly."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from shared.aws import AwsRefusal, NoAnswer, aws_errors
from shared.errors import Broken, ConditionFailed, HeadraceError, NotFound, QuotaExceeded, Unavailable
from shared.http.problem import problem_of
from shared.settings import ConfigurationError, Settings

COMPLETE = {"STAGE": "local", "IDEMPOTENCY_TABLE": "i", "ORIGIN_SECRET_ARN": "arn", "TOKENS_TABLE": "t"}


class ServiceSettings(Settings, frozen=True, kw_only=True):
    max_jobs: int = 1
    recipes: dict[str, str] = {}


def test_all_missing_and_malformed_names_are_reported_at_once() -> None:
    env = {"STAGE": "local", "TOKENS_TABLE": "t", "MAX_JOBS": "many", "RECIPES": "{"}
    with pytest.raises(ConfigurationError) as caught:
        ServiceSettings.from_env(env | {"RECIPES": '{"tabular": 1}'})
    for name in ("IDEMPOTENCY_TABLE", "ORIGIN_SECRET_ARN", "MAX_JOBS", "RECIPES"):
        assert name in str(caught.value)


def test_values_take_the_type_of_their_field() -> None:
    settings = ServiceSettings.from_env(COMPLETE | {"MAX_JOBS": "3", "RECIPES": '{"tabular": "ab"}'})
    assert (settings.max_jobs, settings.recipes, settings.stage) == (3, {"tabular": "ab"}, "local")


def client_error(code: str, status: int = 400, **more: object) -> ClientError:
    response = {
        "Error": {"Code": code, "Message": "m"},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **more,
    }
    return ClientError(response, "Operation")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (client_error("ConditionalCheckFailedException"), ConditionFailed),
        (
            client_error(
                "TransactionCanceledException", CancellationReasons=[{"Code": "ConditionalCheckFailed"}]
            ),
            ConditionFailed,
        ),
        (
            client_error(
                "TransactionCanceledException", CancellationReasons=[{"Code": "TransactionConflict"}]
            ),
            Unavailable,
        ),
        (client_error("NoSuchKey", 404), NotFound),
        (client_error("ResourceLimitExceeded"), QuotaExceeded),
        (client_error("SomethingNew", 503), Unavailable),
        (EndpointConnectionError(endpoint_url="http://x"), Unavailable),
        (AwsRefusal("ConditionalCheckFailedException", "m", 400), ConditionFailed),
        (AwsRefusal("SlowDown", "m", 503), Unavailable),
        (AwsRefusal("SomethingNew", "m", 502), Unavailable),
        (AwsRefusal("ExpiredTokenException", "m", 400), Unavailable),
        (NoAnswer("silence"), Unavailable),
    ],
)
def test_an_aws_error_becomes_ours(error: Exception, kind: type[HeadraceError]) -> None:
    with pytest.raises(kind, match="read the row"), aws_errors("read the row"):
        raise error


def test_what_aws_denies_the_service_is_not_told_to_whoever_asked() -> None:
    denied = AwsRefusal("AccessDeniedException", "User: arn:aws:sts::1:assumed-role/x is not authorized", 400)
    with pytest.raises(Broken) as caught, aws_errors("read the row"):
        raise denied
    problem = problem_of(caught.value)
    assert (problem.status, "arn:" in problem.detail) == (500, False)


@pytest.mark.parametrize(
    "error", [client_error("NobodyKnowsThisException"), AwsRefusal("NobodyKnowsThisException", "m", 400)]
)
def test_an_unknown_refusal_stays_what_it_is(error: Exception) -> None:
    with pytest.raises(type(error)), aws_errors("read the row"):
        raise error
