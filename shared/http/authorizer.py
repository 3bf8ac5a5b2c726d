"""The TOKEN authorizer that each app registers."""

from collections.abc import Callable
from typing import Any

from chalice.app import AuthResponse, Chalice

from shared.auth import TTL_S, Tokens, claims


def register_authorizer(app: Chalice, tokens: Callable[[], Tokens]) -> Any:
    """Give *app* the authorizer function ``bearer`` and return it for use in routes.

    It allows every path of the API to a known token and passes its scopes on: API Gateway caches the answer
    per token, so an answer about one path would wrongly decide others. The routes check the scopes.
    """

    @app.authorizer(ttl_seconds=TTL_S, name="bearer")
    def bearer(request: Any) -> AuthResponse:
        token = tokens().find(request.token)
        if token is None:
            # API Gateway turns exactly this text into 401; any other error would be a 500.
            raise Exception("Unauthorized")
        return AuthResponse(routes=["*"], principal_id=token.token_id, context=claims(token))

    return bearer
