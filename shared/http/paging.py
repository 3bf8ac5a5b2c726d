"""Lists over REST: where the next page is, in a header that any HTTP client understands."""

from urllib.parse import urlencode

import msgspec
from chalice.app import Response

from shared.http.answer import json_answer
from shared.http.request import Request


def page_response(request: Request, page: msgspec.Struct, cursor: str | None) -> Response:
    """Answer one page of a list, with a Link to the next (RFC 8288) where *cursor* says that there is one."""
    headers: dict[str, str] = {}
    if cursor:
        # The path as clients know it: the API's own stage name in it is CloudFront's business.
        path = request.path[request.path.index("/v1/") :]
        query = {**request.query, "limit": str(request.limit()), "cursor": cursor}
        headers["Link"] = f'<{path}?{urlencode(query)}>; rel="next"'
    return json_answer(page, headers=headers)
