"""One request under way in libcurl: what has arrived of its response."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from mirror.http.body import Body
from mirror.http.problems import TransferFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirror.http.problems import Problem
    from mirror.ports import Exchange, Request


class Transfer:
    """One request under way: its handle, the bytes received so far, and its callback."""

    __slots__ = ("body", "curl", "done", "headers", "heard", "hops", "problem", "raw", "request", "status", "url")

    def __init__(
        self, request: Request, done: Callable[[Exchange], None], url: str = "", hops: int = 0, *, raw: bool = False
    ) -> None:
        """Begin with nothing; ``url`` is where a redirect led, after ``hops`` of them."""
        self.request = request
        self.raw = raw  # the body is not decoded: its content encoding does not exist
        self.done = done
        self.url = url or request.url
        self.hops = hops  # redirects followed here, not by libcurl
        self.body = Body(request)
        self.headers: dict[str, str] = {}
        self.curl: Any = None  # its handle, once it is started
        self.problem: Problem | None = None  # why the body was not taken in
        self.status = 0
        # Monotonic seconds of the last byte; 0 before the first byte, for which libcurl has its own timeout.
        self.heard = 0.0

    def write(self, data: bytes) -> int | None:
        """Add a chunk of the body; return -1 (abort) if the body cannot be taken in."""
        self.heard = time.monotonic()
        try:
            self.body.write(data)
        except TransferFailed as error:
            self.problem = error.problem
            return -1
        return None

    def header(self, line: bytes) -> None:
        """Add a header line; a status line starts a new response (redirects, 100-continue)."""
        self.heard = time.monotonic()
        if line.startswith(b"HTTP/"):
            self.headers = {}
            return
        name, colon, value = line.partition(b":")
        if colon:
            self.headers[name.strip().lower().decode("latin-1")] = value.strip().decode("latin-1")

    def has_unknown_encoding(self) -> bool:
        """Return whether the response names a content encoding that does not exist (``utf-8``): pip takes it as it is."""
        words = {word.strip().lower() for word in self.headers.get("content-encoding", "").split(",")}
        return not words <= {"", "identity", "gzip", "x-gzip", "deflate", "br", "zstd"}
