"""Lists over REST: where the next page is, in a header that any HTTP client understands."""

from typing import Any
from urllib.parse import urlencode

import msgspec
from chalice.app import Response

from shared.http.request import Request


def page_response(request: Request, page: msgspec.Struct, cursor: str | None) -> Response:
    """Answer one page of a list, with a Link to the next (RFC 8288) where *cursor* says that there is one."""
    headers: dict[str, Any] = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    if cursor:
        # The path as clients know it: the API's own stage name in it is CloudFront's business.
        path = request.path[request.path.index("/v1/") :]
        query = {**request.query, "limit": str(request.limit()), "cursor": cursor}
        headers["Link"] = f'<{path}?{urlencode(query)}>; rel="next"'
    return Response(msgspec.json.encode(page).decode(), headers, 200)
