"""The results of a run's requests: projects, dependencies of files, failures; each is reported to the listener."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

from mirror.errors import MirrorError
from mirror.records.model import BuildRecord, FetchFailure
from mirror.records.project import Project

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirror.metadata.core_metadata import CoreMetadata
    from mirror.records.dependency_sets import DependencySet
    from mirror.session.reporter import Reporter


class Listener(Protocol):
    """Told of facts as they arrive; calls come from inside ``pump`` and the readers."""

    def listed(self, project: Project) -> None:
        """Take a project whose releases are known."""
        ...

    def learned(self, project: Project, release: int, file_kind: int, found: DependencySet) -> None:
        """Take what one file needs."""
        ...


class Results:
    """Takes in results and errors as they arrive. ``listener`` is whoever speculates, or None."""

    def __init__(self, reporter: Reporter) -> None:
        """Nothing is known yet."""
        self.listener: Listener | None = None
        self.wanted: set[str] = set()  # names that were asked for
        self.projects: dict[str, Project | FetchFailure] = {}
        self.failed: dict[tuple[str, int, int], FetchFailure] = {}  # (project, release, variant): needs not to be had
        self.failed_texts: dict[
            tuple[str, str], FetchFailure
        ] = {}  # (project, file name): METADATA that could not be had
        self.builds: list[BuildRecord] = []  # in the order in which they ended
        self.ripe: deque[Project] = deque()  # of which something was learned: what they have can be stored
        self._adopted: set[str] = set()
        self._reporter = reporter

    def override_project(self, project: Project) -> None:
        """Have a project answer for its name whatever arrives later."""
        self.wanted.add(project.view.name)
        self.projects[project.view.name] = project
        self._adopted.add(project.view.name)

    def forget(self, name: str) -> None:
        """Drop what was found of a project, and why its files' needs could not be had."""
        self.wanted.discard(name)
        self.projects.pop(name, None)
        for key in [key for key in self.failed if key[0] == name]:
            del self.failed[key]
        for wheel in [wheel for wheel in self.failed_texts if wheel[0] == name]:
            del self.failed_texts[wheel]

    def failures(self) -> list[FetchFailure]:
        """Return everything that could not be had so far, sorted by project and release."""
        found = [entry for entry in self.projects.values() if isinstance(entry, FetchFailure)]
        found += self.failed.values()
        return sorted(found, key=lambda failure: (failure.project, failure.release or ""))

    def known(self) -> list[Project]:
        """Return every project that is here."""
        return [project for project in self.projects.values() if isinstance(project, Project)]

    def lost(self, name: str, release: str | None) -> FetchFailure:
        """Record that nothing ever came of what was asked: it was cancelled."""
        return self._reporter.failure(name, release, MirrorError(f"{name}: lost while it was fetched"))

    def on_listing(self, name: str) -> Callable[[Project | None, Exception | None], None]:
        """Return what takes in a project, or why it could not be had."""

        def deliver(project: Project | None, error: Exception | None) -> None:
            if name in self._adopted:
                return  # asked for before it was known that something else answers
            if project is None:
                self.projects[name] = self._reporter.failure(name, None, error)
                return
            self.projects[name] = project
            if self.listener is not None:
                self.listener.listed(project)

        return deliver

    def on_refetch(self, project: Project) -> Callable[[Exception | None], None]:
        """Return what tells the listener of a project again, once it is known whether more of its files are at hand."""

        def deliver(error: Exception | None) -> None:
            if error is not None and not isinstance(error, MirrorError):
                raise error
            if self.listener is not None:
                self.listener.listed(project)

        return deliver

    def on_metadata(
        self, project: Project, release: int, file_kind: int
    ) -> Callable[[CoreMetadata | None, Exception | None], None]:
        """Return what takes in what one file needs, or why that could not be had."""
        from mirror.records.dependency_sets import DependencySet  # a run that learns nothing has no use for it

        def deliver(metadata: CoreMetadata | None, error: Exception | None) -> None:
            view = project.view
            if metadata is None:
                self.failed[view.name, release, file_kind] = self._reporter.failure(
                    view.name, view.versions[release], error
                )
                return
            found = DependencySet(metadata.requires_dist, metadata.requires_python)
            if metadata.built:
                view.built[release, file_kind] = found
            else:
                found = view.learn(release, file_kind, found)
                if metadata.wheel is not None:
                    project.add_text(release, *metadata.wheel)
                project.changed = True
                self.ripe.append(project)
            self._reporter.observer.arrived("metadata", view.name, "index")
            if self.listener is not None:
                self.listener.learned(project, release, file_kind, found)

        return deliver
