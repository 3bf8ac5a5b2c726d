"""RFC 9457 problems as failures: one line for people, an exit code for scripts."""

import re
from collections.abc import Iterator

import msgspec

from headrace.client.transport import HttpAnswer
from headrace.failures import BadData, Conflict, Failure, Missing, Unreachable

_CODES: dict[int, type[Failure]] = {
    400: BadData,
    404: Missing,
    409: Conflict,
    413: BadData,
    415: BadData,
    422: BadData,
    502: Unreachable,
    504: Unreachable,
}
_REMEDIES = {
    401: 'the token is not known here (any more): eval "$(headrace env)", or ask for a new one',
    403: "the token may not do this: it needs another scope",
}
# Two fields of a flat error document: no XML parser sees what a stranger's server sent.
_S3_CODE = re.compile(r"<Code>([^<]{1,100})</Code>")
# Of S3's refusals those that another try may mend: broken on the way, too slow, or signed too long ago.
_PASSING = frozenset({"BadDigest", "IncompleteBody", "RequestTimeout", "XAmzContentChecksumMismatch"})
_S3_MESSAGE = re.compile(r"<Message>([^<]{1,500})</Message>")


class _FieldError(msgspec.Struct, frozen=True):
    pointer: str = ""
    detail: str = ""


class _Problem(msgspec.Struct, frozen=True):
    title: str = ""
    detail: str = ""
    request_id: str = ""
    errors: tuple[_FieldError, ...] = ()


def failure_of(answer: HttpAnswer) -> Failure:
    """Return the failure for an error answer: title, detail, each wrong place, request id of a 5xx."""
    problem = _parse(answer.body)
    title = problem.title or f"HTTP {answer.status}"
    # The detail of an invalid body often is that of its first field: each is said once.
    said = dict.fromkeys(part.removesuffix(".") for part in _parts(problem, answer.status) if part)
    text = "; ".join(said)
    return _CODES.get(answer.status, Failure)(_plain(f"{title}: {text}" if text else title))


def _parts(problem: _Problem, status: int) -> Iterator[str]:
    yield problem.detail
    for error in problem.errors:
        yield f"{error.pointer or '/'}: {error.detail}"
    yield _REMEDIES.get(status, "")
    if status >= 500 and problem.request_id:
        yield f"request id {problem.request_id}: `headrace logs` tells more"


def storage_failure(answer: HttpAnswer) -> Failure:
    """Return the failure for what S3 answered to an upload; S3 speaks XML."""
    text = answer.body.decode("utf-8", "replace")
    code, message = _S3_CODE.search(text), _S3_MESSAGE.search(text)
    said = f"{code[1]}: {message[1]}" if code and message else f"HTTP {answer.status}"
    # Only the size is the file's fault; an expired or altered form is not.
    kind = BadData if code and code[1] == "EntityTooLarge" else Failure
    return kind(_plain(f"the upload was refused: {said}"))


def is_passing(answer: HttpAnswer) -> bool:
    """Say whether the same upload, signed anew, may well be taken after this answer of S3."""
    if answer.status in {403, 408, 429} or answer.status >= 500:
        return True
    code = _S3_CODE.search(answer.body.decode("utf-8", "replace"))
    return code is not None and code[1] in _PASSING


def _parse(body: bytes) -> _Problem:
    """Return the problem, an empty one when the body is none (a proxy's page, say)."""
    try:
        return msgspec.json.decode(body, type=_Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Problem()


def _plain(text: str) -> str:
    """Return one line without control characters: parts of it may come from uploaded data."""
    return "".join(char if char.isprintable() else " " for char in text)
