"""The parts of one upload on their way to S3, a few at a time, each until it has arrived."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from headrace.client.multipart import Arrived, MultipartUpload
from headrace.client.parts import Part, Tally, read_part, sha256_of
from headrace.client.problems import is_passing, storage_failure
from headrace.client.retrying import DELAYS_S, pause
from headrace.client.transport import HttpAnswer, HttpRequest
from headrace.failures import Failure, Unreachable

# One connection rarely fills a line; more than a few only take turns.
PARALLEL = 3


class Stopped(Exception):
    """The part is given up: another one failed, or a person pressed Ctrl-C."""


class PartSender:
    """Sends parts in threads; what goes wrong in one ends all."""

    def __init__(
        self,
        upload: MultipartUpload,
        file: Path,
        tally: Tally,
        *,
        sleep: Callable[[float], None],
        note: Callable[[str], None],
    ) -> None:
        self._upload = upload
        self._file = file
        self._tally = tally
        self._sleep = sleep
        self._note = note
        self._stop = threading.Event()

    def send(self, parts: Sequence[Part], arrived: Mapping[int, Arrived]) -> list[Arrived]:
        """Return all parts as S3 has them, in order; those it had before with the same hash are not sent again.

        Raises
        ------
        Failure
            A part was refused, or the line stayed broken over all tries.
        """
        with ThreadPoolExecutor(PARALLEL, thread_name_prefix="upload") as pool:
            under_way = [pool.submit(self._bring, part, arrived.get(part.number)) for part in parts]
            try:
                taken = [future.result() for future in as_completed(under_way)]
            finally:
                # Also on Ctrl-C: threads would otherwise go on with parts nobody waits for.
                self._stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
        return sorted(taken, key=lambda part: part.number)

    def _bring(self, part: Part, before: Arrived | None) -> Arrived:
        self._check()
        sha256 = sha256_of(self._file, part)
        if before is not None:
            if (before.sha256, before.size_bytes) == (sha256, part.size_bytes):
                return before
            # It was counted as arrived, and other bytes did.
            self._tally.add(-before.size_bytes)
        answer = self._send_until_taken(part, sha256)
        etag = answer.headers.get("etag", "").strip('"')
        if not etag:
            raise Failure("the storage took a part and named no ETag: does a proxy on the way drop headers?")
        return Arrived(number=part.number, etag=etag, sha256=sha256, size_bytes=part.size_bytes)

    def _send_until_taken(self, part: Part, sha256: str) -> HttpAnswer:
        """Return S3's answer; each try is signed anew, so that no address gets too old."""
        for delay_s in DELAYS_S:
            try:
                answer = self._send_once(part, sha256)
                if answer.status < 300 or not is_passing(answer):
                    return _taken(answer)
                broken = storage_failure(answer).message
            except Unreachable as error:
                broken = error.message
            self._check()
            self._note(f"part {part.number}: {broken}; once more in {delay_s:.0f} s")
            pause(delay_s, self._sleep, self._check)
        return _taken(self._send_once(part, sha256))

    def _send_once(self, part: Part, sha256: str) -> HttpAnswer:
        permit = self._upload.permit(part, sha256)
        length = {"Content-Length": str(part.size_bytes), "Content-Type": "application/octet-stream"}
        moved: list[int] = []
        is_taken = False
        try:
            answer = self._upload.api.transport.send(
                HttpRequest(
                    method="PUT",
                    url=permit.url,
                    headers={**permit.headers, **length},
                    body=self._counted(part, moved),
                )
            )
            is_taken = answer.status < 300
            return answer
        finally:
            if not is_taken:
                self._tally.add(-sum(moved))

    def _counted(self, part: Part, moved: list[int]) -> Iterator[bytes]:
        for chunk in read_part(self._file, part):
            self._check()
            yield chunk
            moved.append(len(chunk))
            self._tally.add(len(chunk))

    def _check(self) -> None:
        if self._stop.is_set():
            raise Stopped


def _taken(answer: HttpAnswer) -> HttpAnswer:
    if answer.status >= 300:
        raise storage_failure(answer)
    return answer
