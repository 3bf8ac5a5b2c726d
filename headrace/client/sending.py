"""A file to S3, by one form or in parts, whichever the service grants for its size."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from headrace.client.api import Api, Json
from headrace.client.large import LargeUpload
from headrace.client.problems import is_passing, storage_failure
from headrace.client.resuming import Bookmarks
from headrace.client.retrying import DELAYS_S
from headrace.client.sources import Source
from headrace.client.uploads import PresignedPost, post_file
from headrace.failures import BadData, Failure, Unreachable
from headrace.progress import Progress, size


class Uploaded(msgspec.Struct, frozen=True, kw_only=True):
    """A file that arrived.

    ``version`` is the dataset version it becomes, when the service named it; else ``known`` tells it apart: the
    versions of the pipeline that were there before.
    """

    pipeline: str
    key: str
    size_bytes: int
    version: str | None = None
    known: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Sending:
    """What sending needs of the world."""

    api: Api
    progress: Progress
    sleep: Callable[[float], None]
    state: Path

    def send(self, pipeline: str, source: Source) -> Uploaded:
        """Send the file.

        Raises
        ------
        BadData
            It is too large, or changed meanwhile.
        Failure
            It was refused, or interrupted.
        """
        large = LargeUpload(
            api=self.api,
            pipeline=pipeline,
            source=source,
            bookmarks=Bookmarks(self.state, self.api.credentials.url, pipeline),
            progress=self.progress,
            sleep=self.sleep,
        )
        begun = large.find_begun()
        if begun is None:
            # The same file name may have been uploaded before: its versions are told apart by being there already.
            before = (self.api.find("datasets", pipeline, limit=20) or {}).get("versions", [])
            granted = self._ask(pipeline, source)
            if granted.get("multipart") is None:
                self._post(pipeline, source, granted)
                known = tuple(row["version"] for row in before)
                return _uploaded(pipeline, source, granted["key"], known=known)
            begun = large.begin(granted["multipart"])
        answer = large.send(begun)
        return _uploaded(pipeline, source, answer["key"], version=answer["version"])

    def _ask(self, pipeline: str, source: Source) -> Json:
        asked = {"filename": source.name, "size_bytes": source.size_bytes}
        granted = self.api.post("datasets", pipeline, "uploads", body=asked)
        if source.size_bytes > granted["max_bytes"]:
            limit = size(granted["max_bytes"])
            raise BadData(f"{source.named} has {size(source.size_bytes)}; the limit is {limit}")
        return granted

    def _post(self, pipeline: str, source: Source, granted: Json) -> None:
        """Send the file as a form; a broken line or an expired form is answered by asking for another one."""
        for delay_s in (*DELAYS_S, None):
            failure = self._post_once(source, granted)
            if failure is None:
                return
            if delay_s is None:
                raise failure
            self.progress.note(f"{failure.message}; once more in {delay_s:.0f} s")
            self.sleep(delay_s)
            granted = self._ask(pipeline, source)

    def _post_once(self, source: Source, granted: Json) -> Failure | None:
        """Return what went wrong when another try may go well; raise the rest."""
        post = msgspec.convert(granted["upload"], PresignedPost)
        try:
            answer = post_file(self.api.transport, post, source.file, self._moving(source))
        except Unreachable as error:
            return error
        if answer.status < 300:
            return None
        failure = storage_failure(answer)
        if not is_passing(answer):
            raise failure
        return failure

    def _moving(self, source: Source) -> Callable[[int], None]:
        return lambda sent: self.progress.moving("upload", sent, source.size_bytes)


def _uploaded(
    pipeline: str, source: Source, key: str, *, version: str | None = None, known: tuple[str, ...] = ()
) -> Uploaded:
    return Uploaded(pipeline=pipeline, key=key, size_bytes=source.size_bytes, version=version, known=known)
