"""Write `console/problems/`, a page for each problem type: `python -m headrace.operate.problem_pages`.

An error answer's `type` is `/problems/<slug>`; the files have no extension, so that key and URL are one.
"""

import html
from collections.abc import Iterator
from pathlib import Path

from shared.errors import HeadraceError

FOLDER = Path(__file__).resolve().parents[2] / "console" / "problems"
# What Chalice and API Gateway say before our code runs: title → status, meaning.
_OUTSIDE = {
    "Method not allowed": (405, "The resource does not answer this method."),
    "Timeout": (504, "The service took longer than API Gateway waits (29 seconds)."),
}
_REMEDIES = {
    400: "Correct the request as `detail` says, and send it again.",
    401: "Send `Authorization: Bearer hr_…` with a token of this stage; it may have been revoked.",
    403: "Use a token with the scope that `detail` names, and the public address of the stage.",
    404: "Check the names in the path. A token that is limited to some pipelines does not see the others.",
    405: "Look up the methods of the resource in `/openapi.json`.",
    406: "Send an `Accept` header with one of the types that `detail` names, or none.",
    409: "Read the resource again and decide anew: `detail` says what holds it, or what has changed.",
    412: "Read the resource again, apply your change to what is there now, and send its new `ETag`.",
    413: "Send less at once: `detail` names the limit.",
    415: "Set `Content-Type` to one of those the route accepts (see `/openapi.json`), and send the body unpacked.",
    422: "Correct each place that `errors` points to (RFC 6901), or what `detail` says.",
    429: "Wait as long as `Retry-After` says, then try again; fewer requests at once help.",
    500: "Try again once; if it stays, give the operator the `request_id`: the log has the rest.",
    502: "Wait as long as `Retry-After` says, then try again. If it stays, `headrace logs` shows what failed.",
    503: "Wait as long as `Retry-After` says, then try again. If it stays, give the operator the `request_id`.",
    504: "Try again; for many records, send fewer at once.",
}
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Headrace</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main>
<p><a href="/">Headrace</a> / problems</p>
<h1>{title}</h1>
<p>HTTP status {status}</p>
<p>{meaning}</p>
<h2>What to do</h2>
<p>{remedy}</p>
</main>
</body>
</html>
"""


def pages() -> dict[str, str]:
    """Return the pages by slug; several errors of one title share a page."""
    texts: dict[str, tuple[str, int, list[str]]] = {
        title: (title, status, [meaning]) for title, (status, meaning) in _OUTSIDE.items()
    }
    for kind in _kinds(HeadraceError):
        meaning = _first_line(kind)
        texts.setdefault(kind.title, (kind.title, kind.status, []))[2].append(meaning)
    return {slug(title): _page(*told) for title, told in sorted(texts.items())}


def slug(title: str) -> str:
    """Return the last part of the problem's `type`."""
    return title.lower().replace(" ", "-")


def write_pages(folder: Path) -> None:
    """Make the folder hold exactly the pages."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8")
    for file in folder.iterdir():
        if file.name not in wanted:
            file.unlink()


def _kinds(kind: type[HeadraceError]) -> Iterator[type[HeadraceError]]:
    """Yield the errors of the shared tree only: which services are loaded here must not change the pages."""
    if kind.__module__ == HeadraceError.__module__:
        yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)


def _first_line(kind: type[HeadraceError]) -> str:
    if kind is HeadraceError:
        return "The service failed in a way nobody foresaw; its log tells more, the answer does not."
    return " ".join((kind.__doc__ or "").split("\n\n")[0].split()).replace("``", "`")


def _page(title: str, status: int, meanings: list[str]) -> str:
    meaning = "</p>\n<p>".join(formatted(text) for text in meanings)
    return _PAGE.format(
        title=formatted(title), status=status, meaning=meaning, remedy=formatted(_REMEDIES[status])
    )


def formatted(text: str) -> str:
    """Return escaped text; what stands in backticks is code."""
    parts = html.escape(text).split("`")
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))


if __name__ == "__main__":
    write_pages(FOLDER)
