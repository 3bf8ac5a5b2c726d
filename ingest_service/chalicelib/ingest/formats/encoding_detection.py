"""Detect an older encoding by the languages its text would be in; silent where two readings are both plausible."""

import re

from charset_normalizer import from_bytes
from charset_normalizer.models import CharsetMatch

# In the order of how often files have them: it decides between readings that are equal.
_POOL = ["cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257"]
_POOL += ["iso8859_2", "mac_roman", "cp850"]
_EAST_ASIAN = ["cp932", "euc_jp", "gb18030", "big5", "cp949"]
_EVIDENCE_BYTES = 1 << 15
_MIN_DISTINCT = 4  # one odd byte fits any encoding; four begin to look like a language
_MAX_MESS = 0.2
_MIN_COHERENCE = 0.3
_MARGIN = 0.1
_TELLING = re.compile(rb"[^\r\n]*[\x80-\xff][^\r\n]*[\r\n]*")


def detect(head: bytes) -> str | None:
    """Return the encoding that *head* is in with confidence, else None."""
    evidence = b"".join(_TELLING.findall(head))[:_EVIDENCE_BYTES]
    if len({byte for byte in evidence if byte >= 0x80}) < _MIN_DISTINCT:
        return None
    found = from_bytes(evidence, cp_isolation=_POOL + _EAST_ASIAN, threshold=_MAX_MESS, enable_fallback=False)
    matches = sorted(found, key=lambda match: match.coherence, reverse=True)
    chosen = _by_language(matches) or _by_script(matches)
    # What the first megabyte leaves open must not be decided by what lies behind it.
    return chosen if chosen and _reads(head, chosen) else None


def _by_language(matches: list[CharsetMatch]) -> str | None:
    """Return the reading that is some language, clearly more so than every other reading."""
    if not matches or matches[0].coherence < _MIN_COHERENCE:
        return None
    names = _names_of_best(matches)
    if "cp1252" in names:
        return "cp1252"
    if len(matches) > 1 and matches[1].coherence > matches[0].coherence - _MARGIN:
        return None
    return next(name for name in [*_POOL, *_EAST_ASIAN] if name in names)


def _names_of_best(matches: list[CharsetMatch]) -> set[str]:
    """Return all encodings that read the evidence as the best of *matches*, sorted by coherence, do."""
    best = [match for match in matches if match.coherence >= matches[0].coherence]
    return {name for match in best for name in match.could_be_from_charset}


def _by_script(matches: list[CharsetMatch]) -> str | None:
    """Return the one East Asian reading without any mess: its byte pairs hardly come about by chance."""
    clean = [match for match in matches if match.chaos <= _MARGIN / 2]
    if len(clean) == 1 and clean[0].encoding in _EAST_ASIAN and not clean[0].chaos:
        return clean[0].encoding
    return None


def _reads(head: bytes, encoding: str) -> bool:
    try:
        head[: head.rfind(b"\n") + 1].decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
