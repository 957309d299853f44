"""What a policy lets a server show of a project: decided once a listing, and again when time changes a decision."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from mirror.policy.explain import listed_releases
from mirror.policy.rules import matches

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mirror.policy.page_filter import Filtered, ListedRelease, PageFilter
    from mirror.records.project import Project


class PolicyGate:
    """Decisions on the projects that a server shows, from any thread."""

    def __init__(self, page_filter: PageFilter, clock: Callable[[], float]) -> None:
        """Take the policy; ``clock`` gives epoch seconds."""
        self._filter = page_filter
        self._clock = clock
        self._known: dict[str, tuple[str, Filtered]] = {}
        self._lock = threading.Lock()

    def shows(self, name: str) -> bool:
        """Return whether any page of a project may be shown, as far as its name says."""
        rules = self._filter.rules
        excepted = any(matches(row.project, name) for row in rules.exceptions)
        allowed = not rules.allow or any(matches(pattern, name) for pattern in rules.allow)
        return excepted or (allowed and not any(matches(pattern, name) for pattern in rules.deny))

    def holds(self, name: str, version: str) -> bool:
        """Return whether the decisions on this version of a listing are known and still hold."""
        cached = self._known.get(name)
        return cached is not None and cached[0] == version and self._clock() < cached[1].until

    def decide(self, project: Project, version: str, releases: Sequence[ListedRelease] | None = None) -> Filtered:
        """Return the decisions on the files of a project; ``version`` names its listing."""
        name = project.view.name
        with self._lock:
            cached = self._known.get(name)
        if cached is not None and cached[0] == version and self._clock() < cached[1].until:
            return cached[1]
        filtered = self._filter.decide(project.view, releases or listed_releases(project), self._clock())
        with self._lock:
            self._known[name] = (version, filtered)
        return filtered
