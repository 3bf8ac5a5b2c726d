"""Clients of many roles on one machine."""

from localcloud.sagemaker.credentials import RoleSession


def session(key: str) -> RoleSession:
    return RoleSession(
        access_key=key,
        secret_key="s",
        session_token=f"of-{key}",
        region="us-east-1",
        endpoint_url="http://127.0.0.1:1",
    )


def test_clients_of_two_roles_share_what_botocore_knows_of_a_service_and_no_credentials() -> None:
    first, second = (session(key).client("logs") for key in ("first", "second"))
    # The members of the model as it was read: each reading takes megabytes.
    assert first.meta.service_model.metadata is second.meta.service_model.metadata
    keys = [client._request_signer._credentials.access_key for client in (first, second)]
    assert keys == ["first", "second"]
