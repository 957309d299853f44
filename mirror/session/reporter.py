"""Reports warnings and failures to an observer: each warning once, each failure as it happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import MirrorError, error_of_foreign_text
from mirror.records.model import FetchFailure

if TYPE_CHECKING:
    from mirror.ports import MirrorObserver
    from mirror.records.release_view import ReleaseView


class Reporter:
    """Reports warnings and failures to an observer."""

    def __init__(self, observer: MirrorObserver) -> None:
        """Report nothing yet."""
        self.observer = observer
        self._warned: set[str] = set()

    def warn(self, message: str) -> None:
        """Report a warning unless it has been reported in this run."""
        if message not in self._warned:
            self._warned.add(message)
            self.observer.warned(message)

    def warn_stale(self, problem: str, seconds: float) -> None:
        """Warn that an index cannot be used, and how old the stored listing is that is used instead."""
        self.warn(f"the index cannot be used ({problem}); answering from the mirror, {age_in_words(seconds)} old")

    def warn_shrunk(self, before: ReleaseView, now_listed: ReleaseView, now: float) -> None:
        """Warn that a page lists fewer releases than before."""
        listed = set(now_listed.keys)
        gone = [version for key, version in zip(before.keys, before.versions, strict=True) if key not in listed]
        if gone:
            age = age_in_words(now - before.freshness.fetched_at)
            self.warn(
                f"{before.name}: its index does not list {len(gone)} of the {len(before.versions)} releases any more that it "
                f"listed {age} ago (the newest of them: {gone[-1]})"
            )

    def failure(self, name: str, release: str | None, error: Exception | None) -> FetchFailure:
        """Report a failure of one project and return it. Errors that no foreign text can cause are bugs and are raised."""
        what = f"{name}: its metadata" if release else f"{name}: its page"
        failure = error_of_foreign_text(what, error or MirrorError(f"{name}: nothing came"))
        self.observer.failed("metadata" if release else "listing", name, str(failure))
        return FetchFailure(name, release, failure)


def age_in_words(seconds: float) -> str:
    """Return a rough age in words."""
    seconds = max(0, int(seconds))
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = seconds // length
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "under a minute"
