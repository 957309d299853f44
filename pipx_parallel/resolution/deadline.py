"""A deadline that ends a solve without a result, between two steps of the search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.resolver.ports import SolverObserver

if TYPE_CHECKING:
    from collections.abc import Callable


class OutOfTimeError(Exception):
    """The deadline of a solve has passed."""


class Deadline(SolverObserver):
    """Ends a solve after its deadline: the hooks raise ``OutOfTimeError``."""

    def __init__(self, clock: Callable[[], float], moment: float) -> None:
        """Take a clock, and its time of the deadline."""
        self._clock = clock
        self._moment = moment

    def passed(self) -> bool:
        """Return whether the deadline has passed."""
        return self._clock() > self._moment

    def part(self, share: float) -> Deadline:
        """Return a deadline after a share of the time that is left."""
        now = self._clock()
        return Deadline(self._clock, now + share * max(0.0, self._moment - now))

    def asks(self, package: str) -> None:  # noqa: ARG002 - the observer's signature
        """Raise ``OutOfTimeError`` if the deadline has passed."""
        self.check()

    def decided(self, package: str, bit: int) -> None:  # noqa: ARG002 - the observer's signature
        """Raise ``OutOfTimeError`` if the deadline has passed."""
        self.check()

    def conflicted(self, package: str) -> None:  # noqa: ARG002 - the observer's signature
        """Raise ``OutOfTimeError`` if the deadline has passed."""
        self.check()

    def check(self) -> None:
        """Raise ``OutOfTimeError`` if the deadline has passed."""
        if self.passed():
            raise OutOfTimeError
