"""Serve requests to the one origin through the CloudFront distribution that has it as an alias."""

from typing import Any
from urllib.parse import parse_qs

from ministack import app as ministack_app
from ministack.core.iam_evaluator import pin_request_origin
from ministack.core.responses import request_scope, set_request_client_ip
from ministack.services import cloudfront, s3

from localcloud.requests import ORIGIN_HOSTS, Request
from localcloud.settings import ACCOUNT_ID, REGION

Answer = tuple[int, dict[str, Any], bytes]

# Aliases sit in the distribution's XML: parsed once per version of a distribution.
_aliases: dict[tuple[str, str], frozenset[str]] = {}


def bucket_names() -> list[str]:
    """Return the buckets of the local account."""
    with request_scope(ACCOUNT_ID, REGION):
        return list(s3._buckets)


def for_origin() -> dict[str, Any] | None:
    """Return the enabled distribution that answers for this machine, or None."""
    with request_scope(ACCOUNT_ID, REGION):
        for distribution in cloudfront._distributions.values():
            if _aliases_of(distribution) & ORIGIN_HOSTS:
                found: dict[str, Any] = distribution
                return found
    return None


def _aliases_of(distribution: dict[str, Any]) -> frozenset[str]:
    key = (distribution["Id"], distribution["ETag"])
    if key not in _aliases:
        config = cloudfront._dist_config_el(distribution)
        enabled = cloudfront._text(config, "Enabled") == "true"
        names = cloudfront._get_distribution_aliases(distribution) if enabled else ()
        _aliases[key] = frozenset(names)
    return _aliases[key]


async def answer(distribution: dict[str, Any], request: Request, body: bytes, client: str) -> Answer:
    """Answer as CloudFront would: behaviours, origins, error pages."""
    with request_scope(ACCOUNT_ID, REGION):
        set_request_client_ip(client)
        pin_request_origin(client, True)
        found: Answer = await cloudfront.handle_viewer_request(
            distribution,
            request.method,
            request.path,
            request.raw_path,
            request.query,
            {**request.headers, "x-forwarded-proto": "https"},
            body,
            parse_qs(request.query, keep_blank_values=True),
            client,
        )
    return found


async def send(send_message: Any, found: Answer, *, head: bool) -> None:
    """Send an answer; to HEAD without its body."""
    status, headers, body = found
    await ministack_app._send_response(send_message, status, dict(headers), b"" if head else body, head=head)
