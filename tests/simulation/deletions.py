"""Who deletes pipelines while they take data in, train and release, and defines most of them again under the same name."""

import random
from functools import partial
from typing import Any

from chalicelib.inference.states import Request
from chalicelib.ingest.administer import delete_pipeline, put_pipeline

from tests.simulation.callers import Callers
from tests.simulation.neighbours import Neighbours
from tests.simulation.people import KINDS, People, definition_of
from tests.simulation.services import Services

# Times the root of the uploads, as the pipelines that stay are.
PIPELINES = 0.1
NAMED = "gone"
UPLOADS_EACH, RACES_EACH, DELETIONS_EACH = 8, 4, 3
DEFINED_AGAIN = 0.7
SOON_S = 90.0
CALLS_AFTER, CALLED_WITHIN_S = 6, 400.0
# All of them train by themselves: what is deleted is mostly in the middle of something.
_KINDS = tuple(kind for kind in KINDS if "retrain" not in kind)


class Deleters:
    """People with pipelines of their own, which come and go."""

    def __init__(
        self, around: Neighbours, services: Services, people: People, callers: Callers, chance: random.Random
    ) -> None:
        self._around = around
        self._services = services
        self._people = people
        self._callers = callers
        self._chance = chance

    def begin(self, uploads: int, end_s: float) -> None:
        """Define the pipelines, and plan what happens to them."""
        for number in range(max(2, round(PIPELINES * uploads**0.5))):
            name, kind = f"{NAMED}{number:02d}", _KINDS[number % len(_KINDS)]
            self._people.define(name, kind)
            for work, times in (
                (partial(self._people.send_new, name), UPLOADS_EACH),
                (partial(self._people.race, name), RACES_EACH),
                (partial(self._delete, name, kind), DELETIONS_EACH),
            ):
                for _ in range(times):
                    self._around.scheduler.at(self._chance.uniform(0, end_s), work)

    def _delete(self, name: str, kind: dict[str, Any]) -> None:
        ingest = self._services.ingest

        def delete(request: Request) -> None:
            delete_pipeline(ingest, name, request.who, force=True, if_match=None)

        self._people.ask("delete", name, delete)
        # Who asks has not heard of it.
        self._callers.use(name, CALLS_AFTER, CALLED_WITHIN_S)
        if self._chance.random() < DEFINED_AGAIN:
            again = definition_of(name, kind)
            define = partial(
                self._people.ask, "define", name, lambda _: put_pipeline(ingest, name, again, None)
            )
            self._around.scheduler.at(SOON_S * self._chance.random(), define)
