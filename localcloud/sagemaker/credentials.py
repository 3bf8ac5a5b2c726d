"""The execution role's session: whatever a job or a container does on AWS, it does as its role."""

import functools
import json
import secrets
import threading
import time
from typing import Any, Final

import boto3
import msgspec
from botocore.config import Config

from localcloud.sagemaker import errors
from localcloud.sagemaker.store import Scope

_PRINCIPAL: Final = "sagemaker.amazonaws.com"
# MiniStack saves sessions with its state, so even those of a killed server have to end some day.
_SESSION_S: Final = 7 * 86400
# One for every role: a session of its own would read botocore's models again for each client, and keep them, 14 MB for those
# of S3 and Logs (measured). It is not thread-safe while it creates clients; creation is rare, so one lock does.
_session = functools.cache(boto3.session.Session)
_client_lock = threading.Lock()


class RoleSession(msgspec.Struct, frozen=True, kw_only=True):
    """Temporary credentials of one execution role, and where to use them."""

    access_key: str
    secret_key: str
    session_token: str
    region: str
    endpoint_url: str
    clients: list[Any] = msgspec.field(default_factory=list)

    def client(self, service: str, timeout_s: float = 60) -> Any:
        """Return a boto3 client that acts as the role; one without an answer for so long gives up."""
        with _client_lock:
            made = _session().client(
                service,
                endpoint_url=self.endpoint_url,
                region_name=self.region,
                aws_access_key_id=self.access_key,
                aws_secret_access_key=self.secret_key,
                aws_session_token=self.session_token,
                # The server is on this machine: path style needs no DNS, and a retry hides nothing.
                config=Config(
                    s3={"addressing_style": "path"}, retries={"max_attempts": 2}, read_timeout=timeout_s
                ),
            )
        self.clients.append(made)
        return made

    def forget(self) -> None:
        """End the session: whoever kept its keys can do nothing any more, and no connection of its clients stays open."""
        from ministack.services import sts

        # Both ends of a connection are this process's files, and a client is garbage that is collected late.
        for client in self.clients:
            client.close()
        self.clients.clear()
        sts._sessions.pop(self.access_key, None)

    def environment(self) -> dict[str, str]:
        """Return the variables that let a container use the role; never given to an isolated one."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_SESSION_TOKEN": self.session_token,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "S3_ENDPOINT_URL": self.endpoint_url,
        }


def assume_role(role_arn: str, session_name: str, scope: Scope, endpoint_url: str) -> RoleSession:
    """Open a session of the role as the SageMaker service would; it lives as long as the server.

    MiniStack's AssumeRole only serves callers with credentials, and a service principal has none, so
    the session is registered with its STS directly, the way its Lambda does it for functions.
    """
    from ministack.services import sts

    role_name = role_arn.rsplit("/", 1)[-1]
    session = RoleSession(
        access_key="ASIA" + secrets.token_hex(8).upper(),
        secret_key=secrets.token_hex(20),
        session_token=secrets.token_hex(40),
        region=scope.region,
        endpoint_url=endpoint_url,
    )
    sts.register_session(
        session.access_key,
        {
            "Arn": f"arn:aws:sts::{scope.account}:assumed-role/{role_name}/{session_name[:64]}",
            "UserId": f"{role_name}:{session_name[:64]}",
            "SecretAccessKey": session.secret_key,
            "SessionToken": session.session_token,
            "Expiration": time.time() + _SESSION_S,
        },
    )
    return session


def check_role(role_arn: str, scope: Scope) -> None:
    """Raise AWS's error unless the role exists and trusts SageMaker; only where IAM is enforced."""
    from ministack import app

    if app.AUTH and not _is_trusted(role_arn, scope):
        raise errors.validation(
            f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal "
            f"'{_PRINCIPAL}' to assume the role."
        )


def _is_trusted(role_arn: str, scope: Scope) -> bool:
    from ministack.core import iam_evaluator
    from ministack.services import iam

    # The name alone would let a role of another path or account pass for this one.
    role = iam._roles.get(role_arn.rsplit("/", 1)[-1])
    if role is None or role.get("Arn") != role_arn:
        return False
    context = iam_evaluator.EvalContext(
        principal_arn=_PRINCIPAL,
        principal_type="Service",
        principal_account=scope.account,
        action="sts:AssumeRole",
        resource_arn=role_arn,
        region=scope.region,
        service_context={"aws:sourceaccount": scope.account},
    )
    policy = _as_seen_by_service(json.loads(role["AssumeRolePolicyDocument"]))
    return bool(iam_evaluator.evaluate_trust_policy(policy, _PRINCIPAL, context))


def _as_seen_by_service(policy: dict[str, Any]) -> dict[str, Any]:
    """Return the trust policy with our service principal as `*` and every other principal as nobody.

    MiniStack's evaluator matches no service by name, because its own services call as root.
    """
    statements = policy.get("Statement", [])
    seen = []
    for statement in [statements] if isinstance(statements, dict) else statements:
        principal = statement.get("Principal")
        services = principal.get("Service", []) if isinstance(principal, dict) else []
        names = [services] if isinstance(services, str) else services
        is_ours = principal == "*" or _PRINCIPAL in names
        seen.append(statement | {"Principal": "*" if is_ours else {"AWS": []}})
    return policy | {"Statement": seen}
