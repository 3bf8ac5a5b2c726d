"""Who wants whole files predicted: asks, uploads, starts, asks again where no answer came, and sometimes has it stopped."""

import random
from collections.abc import Callable
from functools import partial

import msgspec
from chalice.app import Response
from chalicelib.inference.batch_views import BatchView, NewBatch
from chalicelib.inference.workflow import batches

from shared.codec import Row
from shared.errors import Conflict, HeadraceError, InProgress, Unavailable
from shared.http.idempotency import KEY_HEADER, Replies, wish_of
from shared.http.request import Caller, Request
from tests.fakes import Key
from tests.simulation.functions import Function
from tests.simulation.models import KNOWN
from tests.simulation.neighbours import Neighbours
from tests.simulation.services import Services

REST = Function(name="batches", timeout_s=29)
BEN = Caller(token_id="ben", scopes=frozenset({"predict"}), pipelines=frozenset({"*"}))
UPLOADS_PER_BATCH = 100
PER_LIVE = 0.5  # batches for each change of what is live
SOON_S = 10.0
MOST_ROWS = 12
MOST_TRIES = 6
AGAIN_AFTER_S = 20.0
NOWHERE = "nowhere"
STOPPED = 0.1  # of the batches


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """One file that somebody wants predicted: its ``rows``, None for one that no model takes.

    ``key`` is the Idempotency-Key, if one is sent, ``is_uploaded`` the way of the file: by a form, once the batch is made.
    ``wrong`` is what is wrong with the request: it names a file of ``another`` pipeline, or one ``spelled`` as none may be.
    """

    number: int
    pipeline: str
    rows: tuple[float | None, ...]
    kind: str
    key: str | None
    is_uploaded: bool
    wrong: str = ""

    @property
    def content(self) -> bytes:
        """The file."""
        cells = ["many" if row is None else str(row) for row in self.rows]
        if self.kind == "csv":
            # The model has no input for the second column.
            return "".join(
                f"{line}\n" for line in ("distance,late", *(f"{cell},1" for cell in cells))
            ).encode()
        return "\n".join(f'{{"distance": {cell}}}' for cell in cells).encode()

    @property
    def input_key(self) -> str:
        """Where it lies, unless it is uploaded by a form."""
        owner = "another" if self.wrong == "another" else self.pipeline
        return f"batch/{owner}/{self.number}.{'parquet' if self.wrong == 'spelled' else self.kind}"


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """A wish that was answered by 202, and the batch that was named."""

    wish: Wish
    batch: str


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A wish that was answered by an error, and when."""

    wish: Wish
    error: HeadraceError
    began: float
    ended: float


class BatchUsers:
    """``asked`` tells when, by wish; ``accepted`` and ``refused`` are the answers; ``begun`` are the batches that were told to begin, ``stopped`` to end."""

    def __init__(self, around: Neighbours, services: Services, chance: random.Random) -> None:
        self.wishes: list[Wish] = []
        self.accepted: list[Accepted] = []
        self.refused: list[Refused] = []
        self.asked: dict[int, list[float]] = {}
        self.begun: set[str] = set()
        self.stopped: set[str] = set()
        self._around = around
        self._batching = services.batching
        self._chance = chance
        self._names: list[str] = []
        around.releases.watchers.append(self._on_release)
        self._replies = Replies(around.replies, around.clock, services.inference.log)

    def begin(self, uploads: int, names: list[str], end_s: float) -> None:
        """Plan what will be asked of the pipelines *names*, whether they have something live or not."""
        self._names = [*names, NOWHERE]
        for _ in range(max(2, uploads // UPLOADS_PER_BATCH)):
            at = self._chance.uniform(0, end_s)
            self._around.scheduler.at(at, lambda: self._want(self._chance.choice(self._names)))

    def _on_release(self, key: Key, before: Row, row: Row) -> None:
        """Ask while it matters: what is live has just changed."""
        if key[1] == "current" and row.get("live") != before.get("live"):
            for _ in range(int(PER_LIVE + self._chance.random())):
                at = self._chance.expovariate(1 / SOON_S)
                self._around.scheduler.at(at, partial(self._want, row["pipeline"]))

    def _want(self, pipeline: str) -> None:
        """Ask for one file, under a key perhaps twice at once."""
        chance, number = self._chance, len(self.wishes)
        wish = Wish(
            number=number,
            pipeline=pipeline,
            rows=tuple(
                self._row() for _ in range(chance.randint(1, MOST_ROWS) if chance.random() < 0.95 else 0)
            ),
            kind=chance.choice(("csv", "ndjson")),
            key=f"key-{number}" if chance.random() < 0.7 else None,
            is_uploaded=chance.random() < 0.3,
            wrong=chance.choice(("another", "spelled")) if chance.random() < 0.1 else "",
        )
        wish = msgspec.structs.replace(wish, is_uploaded=wish.is_uploaded and not wish.wrong)
        self.wishes.append(wish)
        if not wish.is_uploaded:
            self._around.data.write(wish.input_key, wish.content)
        for _ in range(2 if wish.key and chance.random() < 0.3 else 1):
            self._around.scheduler.at(chance.uniform(0, 5), partial(self._ask, wish))

    def _row(self) -> float | None:
        return None if self._chance.random() < 0.1 else KNOWN + self._chance.randint(1, 500)

    def _ask(self, wish: Wish, tries: int = 1) -> None:
        again = partial(self._ask, wish, tries + 1) if wish.key and tries < MOST_TRIES else None
        self._request(partial(self._create, wish), again)

    def _request(self, work: Callable[[str], object], again: Callable[[], None] | None) -> None:
        """Send a request; who hears of no answer, or of one that may be another soon, sends it *again*."""

        def answer(request_id: str) -> None:
            is_answered = False
            try:
                work(request_id)
                is_answered = True
            except HeadraceError as error:
                is_answered = not isinstance(error, Unavailable | InProgress)
            finally:
                if again and not is_answered:
                    self._around.scheduler.at(AGAIN_AFTER_S, again)

        self._around.functions.ask(REST, answer)

    def _create(self, wish: Wish, request_id: str) -> None:
        now = self._around.scheduler
        began = now.now
        self.asked.setdefault(wish.number, []).append(began)
        try:
            view = self._answer(wish, request_id)
        except HeadraceError as error:
            self.refused.append(Refused(wish=wish, error=error, began=began, ended=now.now))
            raise
        self.accepted.append(Accepted(wish=wish, batch=view.id))
        if view.upload:
            self._upload(wish, view)
        else:
            self.begun.add(view.id)
        if self._chance.random() < STOPPED:
            delay_s = self._chance.uniform(0, 60)
            self._around.scheduler.at(delay_s, partial(self._stop, wish.pipeline, view.id))

    def _answer(self, wish: Wish, request_id: str) -> BatchView:
        """Return the answer to one POST, as the route gives it: under a key the first one again."""
        named = f"{wish.number}.{wish.kind}"
        uri = None if wish.is_uploaded else self._around.data.uri(wish.input_key)
        new = NewBatch(file=named if wish.is_uploaded else None, input_uri=uri)

        asked = Request(
            id=request_id,
            path=f"/v1/batch-predictions/{wish.pipeline}",
            caller=BEN,
            raw_body=msgspec.json.encode(new),
            headers={KEY_HEADER.lower(): wish.key} if wish.key else {},
        )

        def create() -> Response:
            known = wish_of("POST", asked)
            view = batches.create(self._batching, wish.pipeline, new, BEN.token_id, wish=known)
            return Response(msgspec.json.encode(view).decode(), {}, 202)

        response = self._replies.once("POST", asked, create) if wish.key else create()
        return msgspec.json.decode(response.body, type=BatchView)

    def _upload(self, wish: Wish, view: BatchView) -> None:
        """Send the file after a while, and the word to begin perhaps before it; some never do."""
        assert view.upload is not None
        key = view.upload.fields["key"]
        delays = (self._chance.uniform(0, 20), self._chance.uniform(0, 40))
        if self._chance.random() < 0.9:
            self._around.scheduler.at(delays[0], lambda: self._around.data.write(key, wish.content))
            self._around.scheduler.at(delays[1], partial(self._start, wish.pipeline, view.id))

    def _start(self, pipeline: str, batch: str, tries: int = 1) -> None:
        again = partial(self._start, pipeline, batch, tries + 1) if tries < MOST_TRIES else None

        def start(_: str) -> None:
            try:
                batches.start(self._batching, pipeline, batch)
            except Conflict as error:
                # The file is not there yet.
                raise Unavailable(str(error)) from error
            self.begun.add(batch)

        self._request(start, again)

    def _stop(self, pipeline: str, batch: str, tries: int = 1) -> None:
        again = partial(self._stop, pipeline, batch, tries + 1) if tries < MOST_TRIES else None
        self.stopped.add(batch)
        self._request(lambda _: batches.stop(self._batching, pipeline, batch), again)
