"""A large file to S3 in parts: begun or found again, sent, completed."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from headrace.client.api import Api, Json
from headrace.client.multipart import Arrived, Begun, MultipartUpload
from headrace.client.part_sender import PartSender
from headrace.client.parts import Tally, parts_of
from headrace.client.resuming import Bookmarks
from headrace.client.retrying import persist
from headrace.client.sources import Source, source_of
from headrace.failures import BadData, Conflict, Failure
from headrace.progress import Progress, size


@dataclass(frozen=True, kw_only=True)
class LargeUpload:
    """One file on its way, with what that needs of the world."""

    api: Api
    pipeline: str
    source: Source
    bookmarks: Bookmarks
    progress: Progress
    sleep: Callable[[float], None]

    def find_begun(self) -> MultipartUpload | None:
        """Return the upload of this very file that an earlier call began, None when there is none (any more)."""
        bookmark = self.bookmarks.find(self.source)
        if bookmark is None:
            return None
        upload = self._upload(bookmark.begun)
        if bookmark.is_of(self.source):
            arrived = upload.find_arrived()
            if arrived is not None:
                here = size(sum(part.size_bytes for part in arrived.values()))
                self.progress.note(f"resumed: {here} of {size(self.source.size_bytes)} arrived earlier")
                return upload
            self.progress.note("the upload that was begun is over or too old: it begins anew")
        else:
            self.progress.note(f"{self.source.named.name} changed since its upload was begun: it begins anew")
            _give_up(upload)
        self.bookmarks.drop(self.source)
        return None

    def begin(self, granted: Json) -> MultipartUpload:
        """Keep in mind the upload that the service granted, so that it can be found again."""
        begun = msgspec.convert(granted, Begun)
        try:
            self.bookmarks.keep(self.source, begun)
        except OSError as error:
            self.progress.note(f"should this be interrupted, it cannot be resumed: {error}")
        return self._upload(begun)

    def send(self, upload: MultipartUpload) -> Json:
        """Send what has not arrived, and complete the upload; return the service's answer.

        Raises
        ------
        BadData
            The file changed meanwhile.
        Failure
            It was interrupted, by a person or a line that stayed broken; it says how to go on.
        """
        try:
            answer = self._send_all(upload)
        except KeyboardInterrupt:
            raise Failure(f"interrupted; {self._remedy}") from None
        except BadData:
            _give_up(upload)
            raise
        except Failure as error:
            raise type(error)(f"{error.message}; {self._remedy}") from error
        finally:
            self.progress.close()
        self.bookmarks.drop(self.source)
        return answer

    @property
    def _remedy(self) -> str:
        again = f"headrace upload {self.pipeline} {self.source.named}"
        return f"what arrived is kept, go on with: {again}"

    def _send_all(self, upload: MultipartUpload) -> Json:
        try:
            return self._complete(upload)
        except Conflict:
            # What S3 has is not what it had said: look again and send the rest. A second time it is a fault.
            return self._complete(upload)

    def _complete(self, upload: MultipartUpload) -> Json:
        arrived = persist(upload.find_arrived, self.sleep) or {}
        parts = self._send_missing(upload, arrived)
        if not self._is_unchanged():
            raise BadData(f"{self.source.named} changed during its upload: upload it again")
        return persist(lambda: upload.complete(parts, self.source.size_bytes), self.sleep)

    def _send_missing(self, upload: MultipartUpload, arrived: dict[int, Arrived]) -> list[Arrived]:
        total_bytes = self.source.size_bytes
        tally = Tally(total_bytes, lambda moved, of: self.progress.moving("upload", moved, of))
        tally.add(sum(part.size_bytes for part in arrived.values()))
        sender = PartSender(upload, self.source.file, tally, sleep=self.sleep, note=self.progress.note)
        return sender.send(parts_of(total_bytes, upload.begun.part_size_bytes), arrived)

    def _is_unchanged(self) -> bool:
        if self.source.file.absolute() != self.source.named:
            # The zip of a folder: nobody else writes it.
            return True
        now = source_of(self.source.file)
        return (now.size_bytes, now.fingerprint) == (self.source.size_bytes, self.source.fingerprint)

    def _upload(self, begun: Begun) -> MultipartUpload:
        return MultipartUpload(self.api, self.pipeline, self.source.name, begun)


def _give_up(upload: MultipartUpload) -> None:
    """Throw away parts that are of no use any more."""
    try:
        upload.abort()
    except Failure:
        # The bucket throws unfinished uploads away by itself; nothing here depends on its being now.
        return
