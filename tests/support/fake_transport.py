"""A ``mirror.ports.Transport`` driven by hand: it holds requests until the test answers them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mirror.ports import Exchange, ProblemKind, Request
from mirror.urls import PublicUrl


class FakeTransport:
    """Keeps what was submitted. ``under_way`` holds the requests not answered yet, oldest first."""

    name = "fake"

    def __init__(self) -> None:
        """Start without requests."""
        self.submitted: list[str] = []  # URLs, in the order they came
        self.under_way: list[tuple[Request, Callable[[Exchange], None]]] = []
        self.most_under_way = 0
        self.closed = False

    def submit(self, request: Request, done: Callable[[Exchange], None]) -> None:
        """Record a request."""
        self.submitted.append(request.url)
        self.under_way.append((request, done))
        self.most_under_way = max(self.most_under_way, len(self.under_way))

    def answer(self, body: bytes = b"", status: int = 200, **headers: str) -> str:
        """Answer the oldest request; return its URL. Header names are written with underscores."""
        request, done = self.under_way.pop(0)
        fields: Mapping[str, str] = {name.replace("_", "-"): value for name, value in headers.items()}
        done(Exchange(request, status, fields, body, PublicUrl(request.url)))
        return request.url

    def fail(self, problem: str = "timed out", kind: ProblemKind = ProblemKind.PASSING) -> str:
        """Let the oldest request end without a response; return its URL."""
        request, done = self.under_way.pop(0)
        done(Exchange.failed(request, problem, kind))
        return request.url

    def close(self) -> None:
        """Abort what is under way."""
        self.closed = True
        for request, done in self.under_way:
            done(Exchange.failed(request, "cancelled", ProblemKind.CANCELLED))
        self.under_way.clear()
