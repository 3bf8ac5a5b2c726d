"""Other people's sentences, fit for a person: no paths, no addresses, no secrets, one line. Pure."""

import re

MAX_CHARS = 300
# The order matters: an address holds a path, an ARN may hold a secret.
_HIDDEN = (
    (re.compile(r"(s3|https?)://\S+"), "<address>"),
    (re.compile(r"arn:[a-z-]+:\S+"), "<arn>"),
    (re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b|\bhr_[A-Za-z0-9_-]{20,}"), "<secret>"),
    (re.compile(r"(?i)\b(\w*(?:secret|password|token|api_?key)\w*)(\s*[=:]\s*)\S+"), r"\1\2<secret>"),
    (re.compile(r"(?<![\w<])~?(?:/[\w.@+-]+){2,}/?"), "<path>"),
)


def sanitise(text: str) -> str:
    """Return *text* on one line of at most 300 characters, with what must not travel blotted out."""
    for pattern, shown in _HIDDEN:
        text = pattern.sub(shown, text)
    line = " ".join(part for part in text.split() if part.isprintable())
    return line if len(line) <= MAX_CHARS else line[: MAX_CHARS - 1] + "…"
