"""Shadowed indexes: an earlier index has the project. They are read for pinned releases and to warn of higher releases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import MirrorError
from mirror.records.project import Project

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

    from mirror.http.fetcher import Fetcher
    from mirror.ports import Exchange, Intervals, Request
    from mirror.records.model import FetchFailure
    from mirror.session.results import Results


class ShadowedIndexes:
    """The projects of shadowed indexes (no dependency confusion)."""

    def __init__(self, fetcher: Fetcher, warn: Callable[[str], None]) -> None:
        """Request nothing yet."""
        self._fetcher = fetcher
        self._warn = warn
        self._projects: dict[str, list[Project]] = {}
        self._failures: dict[str, list[tuple[str, MirrorError]]] = {}  # project -> (URL of an index, error)
        self._pending = 0

    def ask(self, name: str, steps: Generator[Request, Exchange, None]) -> None:
        """Run the steps that look for a project in the shadowed indexes."""

        def ended(_: None, error: Exception | None) -> None:
            self._pending -= 1
            if error is not None:
                raise error

        self._pending += 1
        self._fetcher.submit("x/" + name, steps, ended)

    def wait(self, pump: Callable[[], bool]) -> None:
        """Wait for pending look-ups; ``pump`` processes arrivals."""
        while self._pending and pump():
            pass

    def add(self, name: str, project: Project) -> None:
        """Add a project of a shadowed index."""
        self._projects.setdefault(name, []).append(project)

    def add_failure(self, name: str, index_url: str, error: MirrorError) -> None:
        """Add the error of a shadowed index for a project."""
        self._failures.setdefault(name, []).append((index_url, error))

    def forget(self, name: str) -> None:
        """Drop what the shadowed indexes have of a project."""
        self._projects.pop(name, None)
        self._failures.pop(name, None)

    def of(self, name: str) -> Sequence[Project]:
        """Return the project of each shadowed index, as far as they have responded."""
        return self._projects.get(name, ())

    def failures(self, name: str) -> Sequence[tuple[str, MirrorError]]:
        """Return the URL and error of each shadowed index that failed for a project."""
        return self._failures.get(name, ())

    def admit(self, pins: Mapping[str, Sequence[Intervals]], results: Results, pump: Callable[[], bool]) -> bool:
        """Add to projects the releases of shadowed indexes that a pin names and no earlier index has; return whether any was added.

        A project that gets a release is replaced, with other release numbers, so ``pump`` first processes what is under way.
        """
        self.wait(pump)
        gains = {name: keys for name, admits in pins.items() if (keys := self._gain(name, admits, results))}
        while gains and pump():
            pass
        added = False
        for name, keys in gains.items():
            ours = results.projects[name]
            if isinstance(ours, Project):
                added = self._extend(ours, keys, results) or added
        return added

    def _gain(self, name: str, admits: Sequence[Intervals], results: Results) -> frozenset[str]:
        """Return the sort keys of the releases that only shadowed indexes have and that a pin names."""
        ours = results.projects.get(name)
        if name not in self._projects or not isinstance(ours, Project) or ours.reference is not None:
            return frozenset()
        keys = {key for other in self._projects[name] for key in other.view.keys}.difference(ours.view.keys)
        return frozenset(
            key for key in keys if any(low <= key < high for intervals in admits for low, high in intervals)
        )

    def _extend(self, ours: Project, keys: frozenset[str], results: Results) -> bool:
        from mirror.session.merged_project import MergedProject  # only if a shadowed index has a pinned release

        name = ours.view.name
        later = self._projects[name]
        try:
            project = MergedProject([p for p in ours.sources() if p not in later], later, ours.later_keys | keys)
        except MirrorError as error:  # offline, and the mirror lacks records
            self.add_failure(name, self._projects[name][0].index_url, error)
            return False
        results.forget(name)
        results.wanted.add(name)
        results.projects[name] = project
        return True

    def projects(self) -> list[Project]:
        """Return all projects, to be stored like others."""
        return [project for projects in self._projects.values() for project in projects]

    def warn_higher(
        self, names: Iterable[str], answers: Mapping[str, Project | FetchFailure], pump: Callable[[], bool]
    ) -> None:
        """Warn of every project of which a shadowed index has a higher release; ``pump`` waits for pending look-ups."""
        self.wait(pump)
        for name in names:
            ours = answers.get(name)
            for other in self._projects.get(name, ()):
                if isinstance(ours, Project) and other.view.keys and other.view.keys[-1] > (ours.view.keys or [""])[-1]:
                    self._warn(
                        f"{name}: {other.view.versions[-1]} of {other.index_url} was ignored, because {ours.index_url} "
                        "comes first and has the project (--index-strategy best-match takes the best of all)"
                    )
