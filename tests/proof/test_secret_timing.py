"""A guess that is nearly right is refused in the time of one that is all wrong, as far as a clock can tell.

How long code takes on a busy machine is no test. What is held here is a comparison of one run: the same measurement
sees a check that stops at the first wrong character, so it would have seen ours; the figures say what it saw.
"""

import secrets
from collections.abc import Callable
from types import SimpleNamespace

import msgspec
import pytest

from shared.auth import Tokens, hash_token, new_token
from shared.entities.serving import Token
from shared.http.middleware import ORIGIN_HEADER, _is_from_the_edge
from tests.attack_report import Attacks
from tests.security.timing import Difference, difference

ROUNDS = 20_000
SECRET, TOKEN = secrets.token_hex(32), new_token()
# Both are refused: wrong from the first secret character on, and wrong in the last one only.
Check = Callable[[str], object]


def far_from(secret: str, known: int) -> str:
    """Return a guess of which only the first *known* characters, which are no secret, are right."""
    return secret[:known] + "".join("b" if character == "a" else "a" for character in secret[known:])


def near_to(secret: str) -> str:
    """Return a guess that is wrong in its last character."""
    return secret[:-1] + ("b" if secret[-1] == "a" else "a")


def check_origin(guess: str) -> object:
    """Ask as the middleware does; the event is made as Chalice makes it."""
    return _is_from_the_edge(SimpleNamespace(headers={ORIGIN_HEADER: guess}), [SECRET, "0" * 64])


class _Rows:
    """The tokens table with one token in it; what a read of the real one takes says nothing of a guess."""

    def __init__(self) -> None:
        token = Token(token_sha256=hash_token(TOKEN), token_id="t", scopes=("read",))
        self._rows = {token.token_sha256: msgspec.to_builtins(token)}

    def get(self, key: str) -> object:
        return self._rows.get(key)


_tokens: Tokens = Tokens(_Rows())  # type: ignore[arg-type]


def check_token(guess: str) -> object:
    """Ask as the authorizer does."""
    return _tokens.find(f"Bearer {guess}")


def leak(secret: str) -> Check:
    """Return a check that stops at the first wrong character."""

    def check(guess: str) -> bool:
        return all(one == other for one, other in zip(guess, secret, strict=True))

    return check


CHECKS: dict[str, tuple[Check, str, int]] = {
    "the origin secret": (check_origin, SECRET, 0),
    "a token": (check_token, TOKEN, len("hr_")),
}


def measure(check: Check, far: str, near: str) -> Difference:
    """Return how much longer the near guess takes."""
    assert not check(far)
    assert not check(near)
    return difference(lambda: check(far), lambda: check(near), rounds=ROUNDS)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", CHECKS)
def test_the_time_of_a_refusal_tells_nothing_of_a_secret(
    name: str, attacks: Attacks, figure: Callable[[str, object], None]
) -> None:
    check, secret, known = CHECKS[name]
    assert check(secret)
    far, near = far_from(secret, known), near_to(secret)
    ours, leaking = measure(check, far, near), measure(leak(secret), far, near)
    floor = difference(lambda: check(far), lambda: check(far), rounds=ROUNDS)
    told = f"{ours} slower; a check that stops at the first wrong character {leaking}; the same guess twice {floor}"
    is_told = abs(ours.mean_ns) > leaking.mean_ns / 100 + 5 * ours.error_ns
    attacks.note(
        f"guesses of {name} that are right but for the last character", told, times=ours.calls, wrong=is_told
    )
    assert leaking.mean_ns > 20 * leaking.error_ns, f"the measurement is blind: {leaking}"
    assert not is_told, told
    figure(f"a guess of {name} that is nearly right against one that is all wrong", told)
