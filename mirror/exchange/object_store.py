"""A published mirror in an object store (s3://, gs://, az://): read and written. The only module that imports obstore.

Credentials, endpoint and region come from the environment and from the machine, as for other programs of the provider
(``AWS_ENDPOINT_URL``, ``AWS_ACCESS_KEY_ID`` and so on). They are never stored. Files that are named by their digest are uploaded in
parallel, and those that are there already are not uploaded again. The index and its delta are written only if nobody else has
written them since they were read.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError, PreconditionError
from obstore.store import from_url

from mirror.errors import StoreError
from mirror.exchange.publish_target import IMMUTABLE, PublishTarget
from mirror.exchange.published_index import DELTA, INDEX
from mirror.exchange.published_source import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from obstore import Attributes, PutMode
    from obstore.store import ObjectStore

    from mirror.exchange.published_source import Part

    Result = TypeVar("Result")

_WORKERS = 16
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_TYPES = {
    "html": "text/html",
    "json": "application/vnd.pypi.simple.v1+json",
    "css": "text/css",
    "zst": "application/zstd",
}
_MISSING = (NotFoundError, FileNotFoundError)
_CHANGED = (AlreadyExistsError, PreconditionError)  # an object is not as it was read


class _Objects:
    """An object store below a URL, and threads for its requests."""

    def __init__(self, url: str) -> None:
        self.label = url.rstrip("/")
        self._pool: ThreadPoolExecutor | None = None
        self.store: ObjectStore = self.asked(lambda: from_url(self.label))

    def asked(self, work: Callable[[], Result]) -> Result:
        """Return a result of the object store; raises ``StoreError`` for its errors."""
        try:
            return work()
        except (*_MISSING, *_CHANGED, StoreError):
            raise
        except (BaseError, OSError, ValueError) as error:
            reason = " ".join(str(error).split("\n\nDebug", 1)[0].split())[:500]
            raise StoreError(f"cannot use the object store {self.label}: {reason}") from error

    def get(self, path: str) -> tuple[bytes, str | None] | None:
        """Return the content of an object and its ETag, or None."""
        try:
            result = self.asked(lambda: obstore.get(self.store, path))
            return bytes(self.asked(result.bytes)), result.meta["e_tag"]
        except _MISSING:
            return None

    def submit(self, work: Callable[[], Result]) -> Future[Result]:
        """Run something in a thread."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_WORKERS, "objects")
        return self._pool.submit(work)

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


class ObjectSource(Source):
    """``Source`` of an object store."""

    def __init__(self, url: str) -> None:
        """Send nothing yet. Raises ``StoreError`` if the URL cannot be used."""
        self._objects = _Objects(url)
        self.label = self._objects.label

    def fetch(self, parts: Sequence[Part]) -> list[bytes | None]:
        """Return the bytes of each part, in order; None for an object that does not exist."""
        return [future.result() for future in [self._objects.submit(self._reader(part)) for part in parts]]

    def _reader(self, part: Part) -> Callable[[], bytes | None]:
        def read() -> bytes | None:
            objects = self._objects
            if not part.end:
                content = objects.get(part.path)
                return None if content is None else content[0]
            try:
                return bytes(
                    objects.asked(lambda: obstore.get_range(objects.store, part.path, start=part.start, end=part.end))
                )
            except _MISSING:
                return None

        return read

    def close(self) -> None:
        """End the threads; safe to call twice."""
        self._objects.close()


class ObjectTarget(PublishTarget):
    """``PublishTarget`` in an object store."""

    def __init__(self, url: str) -> None:
        """Send nothing yet. Raises ``StoreError`` if the URL cannot be used."""
        self._objects = _Objects(url)
        self.label = self._objects.label
        self._tags: dict[str, str | None] = {}  # ETags of the index and the delta, as they were read
        self._listed: set[str] | None = None
        self._uploads: list[Future[None]] = []

    def read(self, path: str) -> bytes | None:
        """Return the content of an object, or None if there is none."""
        content = self._objects.get(path)
        self._tags[path] = None if content is None else content[1]
        return None if content is None else content[0]

    def put(self, path: str, data: bytes) -> bool:
        """Upload an object unless it is there; in a thread, except for those that must not replace another's."""
        if path in {INDEX, DELTA}:
            return self._replace(path, data)
        if path.startswith(IMMUTABLE):
            if path in self._names():
                return False
            self._names().add(path)
        elif self.read(path) == data:
            return False
        self._uploads.append(self._objects.submit(lambda: self._upload(path, data, "overwrite")))
        return True

    def _replace(self, path: str, data: bytes) -> bool:
        """Write an object if it is as it was read: a publication must not undo another one."""
        before = self._tags.get(path)
        if before is not None:
            content = self._objects.get(path)
            if content is not None and content[0] == data:
                return False
        try:
            self._upload(path, data, {"e_tag": before} if before is not None else "create")
        except _CHANGED:
            raise StoreError(
                f"another publication has written {self.label}/{path} meanwhile; run the command again"
            ) from None
        return True

    def _upload(self, path: str, data: bytes, mode: PutMode) -> None:
        cached = _FOR_EVER if path.startswith(IMMUTABLE) else _ASK_AGAIN
        kind = _TYPES.get(path.rpartition(".")[2], "application/octet-stream")
        attributes: Attributes = {"Cache-Control": cached, "Content-Type": kind}
        self._objects.asked(lambda: obstore.put(self._objects.store, path, data, attributes=attributes, mode=mode))

    def holds(self, path: str) -> bool:
        """Return whether an object exists; the object store answers for its bytes."""
        return path in self._names()

    def flush(self) -> None:
        """Wait until everything is uploaded."""
        uploads, self._uploads = self._uploads, []
        for upload in uploads:
            upload.result()

    def immutable_paths(self) -> Iterator[str]:
        """Yield the path of every object that is named by its digest."""
        yield from sorted(self._names())

    def _names(self) -> set[str]:
        if self._listed is None:
            self._listed = self._objects.asked(
                lambda: {
                    row["path"] for top in IMMUTABLE for page in obstore.list(self._objects.store, top) for row in page
                }
            )
        return self._listed

    def remove(self, path: str) -> bool:
        """Remove an object; return whether it may have been there."""
        try:
            self._objects.asked(lambda: obstore.delete(self._objects.store, path))
        except _MISSING:
            return False
        return True

    def clean(self, now: float) -> None:
        """End the threads: an upload that was killed left nothing."""
        del now
        self._objects.close()
