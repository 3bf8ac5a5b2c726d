"""The format that an Accept header prefers."""

import pytest

from shared.errors import NotAcceptable
from shared.http.negotiation import negotiate

OFFERED = ("application/json", "text/csv", "application/x-ndjson")


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/csv", "text/csv"),
        ("TEXT/CSV; charset=utf-8", "text/csv"),
        ("text/csv;q=0.5, application/x-ndjson;q=0.8", "application/x-ndjson"),
        ("text/*, application/json;q=0.9", "text/csv"),
        ("*/*, application/json;q=0", "text/csv"),
        ("text/csv;q=0.5, application/json;q=0.5", "application/json"),
        ("text/html, application/xhtml+xml, */*;q=0.8", "application/json"),
        ("text/csv;q=high, application/json;q=0.1", "application/json"),
        (",,text/csv,", "text/csv"),
    ],
)
def test_the_best_wanted_format_is_chosen(accept: str, chosen: str) -> None:
    assert negotiate(accept, OFFERED) == chosen


@pytest.mark.parametrize("accept", ["image/png", "text/csv;q=0", "text/csv;q=2", "x" * 5000, ";q=1"])
def test_who_wants_none_of_them_is_told_which_there_are(accept: str) -> None:
    with pytest.raises(NotAcceptable, match="text/csv") as refused:
        negotiate(accept, OFFERED)
    assert len(str(refused.value)) < 300
