"""When the pages in memory were checked last: how long each is sent again without asking whether it has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_JUST_NOW = 0.2  # seconds in which a page is sent again without asking the worker whether it has changed
_LATELY = 1.0  # the same while the worker is being asked

Key = tuple[str, str]  # project, content type


class Checks:
    """The times of the last checks."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Know of none; ``clock`` gives seconds."""
        self._clock = clock
        self._checked: dict[Key, float] = {}
        self._asked: dict[Key, float] = {}

    def note(self, key: Key) -> None:
        """Note that a page was checked now."""
        self._checked[key] = self._clock()

    def forget(self, key: Key) -> None:
        """Forget a page that is no longer in memory."""
        self._checked.pop(key, None)
        self._asked.pop(key, None)

    def is_recent(self, key: Key) -> bool:
        """Return whether a page was checked a moment ago."""
        return self._clock() < self._checked.get(key, 0.0) + _JUST_NOW

    def need_not_wait(self, key: Key) -> bool:
        """Return whether a page may be sent now: it was checked a moment ago, or lately and a check was begun a moment ago.

        Who gets False must have the page checked. So one of a thousand requests waits for the check, not all of them.
        """
        now, checked = self._clock(), self._checked.get(key, 0.0)
        if now < checked + _JUST_NOW or now < min(checked + _LATELY, self._asked.get(key, 0.0) + _JUST_NOW):
            return True
        self._asked[key] = now
        return False
