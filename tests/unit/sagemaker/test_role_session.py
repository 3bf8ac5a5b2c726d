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


def test_the_end_of_a_session_closes_the_connections_of_its_clients() -> None:
    class Client:
        is_closed = False

        def close(self) -> None:
            self.is_closed = True

    ended, other = session("ended"), session("other")
    clients = Client(), Client()
    for one, client in zip((ended, other), clients, strict=True):
        one.clients.append(client)
    ended.forget()
    assert [client.is_closed for client in clients] == [True, False]


def test_a_client_belongs_to_the_session_that_made_it() -> None:
    maker = session("maker")
    made = maker.client("logs")
    assert maker.clients == [made]
