"""CloudFront: an API Gateway stage as an origin."""

import http.client
import re
from typing import Any
from urllib.parse import parse_qs, unquote

from ministack import app as ministack_app
from ministack.services import cloudfront

from localcloud.mends.patch_points import require, wraps
from localcloud.settings import Settings

MEND = "cloudfront_origins"
_EXECUTE_API = re.compile(r"([a-z0-9]+)\.execute-api\.[a-z0-9-]+\.amazonaws\.com")

Fetched = tuple[int, str, dict[str, Any], bytes]


def mend(settings: Settings) -> None:
    """Fetch from `<api>.execute-api.<region>.amazonaws.com` inside this process.

    AWS: CloudFront calls the API over HTTPS with the origin's custom headers and, unless a policy
    forwards the viewer's, the origin's own Host; any other Host is refused with 403 (CloudFront
    developer guide, "Restrict access to API Gateway"; the AllViewer policy shows it).
    A path pattern's `*` stands for any characters of the path as it came.
    MiniStack 1.5.33: refuses to dial hosts of AWS and answers 502. Its `*` stands for no line break, so a
    path with %0A went to the default origin.
    """
    del settings
    fetch = require(
        MEND, cloudfront, "_fetch_from_origin", "viewer_is_https: bool, client_ip: str, viewer_xff: str"
    )
    require(MEND, cloudfront, "_forward_to_origin", "refusing to dial AWS-owned origin host")
    require(MEND, cloudfront, "_origin_request_headers", 'origin.get("custom_headers")')
    require(
        MEND, ministack_app, "_handle_execute_api_request", "host: str, path: str, method: str, headers: dict"
    )

    glob = require(MEND, cloudfront, "_glob_to_regex", 'return _re_compile("^" + "".join(out) + "$")')

    @wraps(glob)
    def glob_to_regex(pattern: str) -> re.Pattern[str]:
        return re.compile(glob(pattern).pattern, re.DOTALL)

    cloudfront._glob_to_regex = glob_to_regex

    @wraps(fetch)
    async def fetch_from_origin(
        origin: dict[str, Any], method: str, uri: str, query: str, *rest: Any
    ) -> Fetched:
        host = cloudfront._normalize_origin_host(origin["domain_name"])
        match = _EXECUTE_API.fullmatch(host)
        if match is None:
            fetched: Fetched = await fetch(origin, method, uri, query, *rest)
            return fetched
        headers, body, _viewer_is_https, client_ip, forwarded_for, _arn = rest
        sent = cloudfront._origin_request_headers(origin, headers, client_ip, forwarded_for)
        sent = {name.lower(): value for name, value in sent.items()}
        if sent.get("host", "").split(":")[0].lower() != host:
            return 403, "Forbidden", {"content-type": "application/json"}, b'{"message":"Forbidden"}'
        path = (origin.get("origin_path") or "") + uri
        return await _call_api(match[1], path, method, sent, body or b"", query)

    cloudfront._fetch_from_origin = fetch_from_origin


async def _call_api(
    api_id: str, path: str, method: str, headers: dict[str, str], body: bytes, query: str
) -> Fetched:
    # CloudFront hands paths on as they came; an API Gateway route sees them decoded.
    decoded, fields = unquote(path), parse_qs(query, keep_blank_values=True)
    status, answer_headers, answer = await ministack_app._handle_execute_api_request(
        f"{api_id}.execute-api.localhost", decoded, method, headers, body, fields
    )
    pairs = [
        (name, item)
        for name, value in answer_headers.items()
        for item in (value if isinstance(value, list) else [value])
    ]
    answer = answer.encode() if isinstance(answer, str) else answer
    reason = http.client.responses.get(status, "")
    return status, reason, cloudfront._multidict_from_pairs(pairs), answer
