"""Methods that break off at a chosen call, as a killed function or a lost answer would."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest


class Breaking:
    """Lets *methods* raise *error* at the call of number ``at``, of odd numbers after it was done: the answer is lost."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, methods: Sequence[tuple[Any, str]], error: BaseException
    ) -> None:
        self.at = self.calls = 0
        self._error = error
        for owner, name in methods:
            monkeypatch.setattr(owner, name, self._around(getattr(owner, name)))

    def _around(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            self.calls += 1
            if self.calls != self.at:
                return method(*args, **options)
            if self.at % 2:
                method(*args, **options)
            raise self._error

        return call

    def runs_through(self, action: Callable[[], Any]) -> bool:
        """Break at the next call than before, and say whether *action* made fewer."""
        self.at, self.calls = self.at + 1, 0
        try:
            action()
        except type(self._error):
            return False
        return True
