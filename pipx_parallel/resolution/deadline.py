"""A time at which a solve ends without an answer: between two steps of the search, so that nothing is left half done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.resolver.ports import SolverObserver

if TYPE_CHECKING:
    from collections.abc import Callable


class OutOfTimeError(Exception):
    """The time for a solve is over."""


class Deadline(SolverObserver):
    """Ends a solve whose time is over: its hooks raise ``OutOfTimeError``."""

    def __init__(self, clock: Callable[[], float], moment: float) -> None:
        """Keep a clock, and the moment of it at which the time is over."""
        self._clock = clock
        self._moment = moment

    def passed(self) -> bool:
        """Return whether the time is over."""
        return self._clock() > self._moment

    def decided(self, package: str, bit: int) -> None:  # noqa: ARG002 - the observer's signature
        """End the solve if its time is over."""
        self._check()

    def conflicted(self, package: str) -> None:  # noqa: ARG002 - the observer's signature
        """End the solve if its time is over."""
        self._check()

    def _check(self) -> None:
        if self.passed():
            raise OutOfTimeError
