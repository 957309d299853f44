"""The results of a run: projects, dependencies of files, failures; each is passed to the listener."""

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
    """Called for results as they arrive, from inside ``pump`` and the methods that wait."""

    def listed(self, project: Project) -> None:
        """Take the listing of a project."""
        ...

    def learned(self, project: Project, release: int, file_kind: int, dependencies: DependencySet) -> None:
        """Take the dependencies of one file."""
        ...


class Results:
    """Stores results and errors as they arrive. ``listener`` may request more, ahead of need; None for no listener."""

    def __init__(self, reporter: Reporter) -> None:
        """Start without results."""
        self.listener: Listener | None = None
        self.wanted: set[str] = set()  # names that were requested
        self.projects: dict[str, Project | FetchFailure] = {}
        self.failed: dict[tuple[str, int, int], FetchFailure] = {}  # by (project, release, file kind)
        self.failed_texts: dict[tuple[str, str], FetchFailure] = {}  # METADATA of wheels, by (project, filename)
        self.builds: list[BuildRecord] = []  # in the order in which they ended
        self.ripe: deque[Project] = deque()  # projects with new dependencies, to be stored
        self._reporter = reporter

    def forget(self, name: str) -> None:
        """Delete the results and failures of a project."""
        self.wanted.discard(name)
        self.projects.pop(name, None)
        for key in [key for key in self.failed if key[0] == name]:
            del self.failed[key]
        for wheel in [wheel for wheel in self.failed_texts if wheel[0] == name]:
            del self.failed_texts[wheel]

    def failures(self) -> list[FetchFailure]:
        """Return every failure so far, sorted by project and release."""
        failures = [entry for entry in self.projects.values() if isinstance(entry, FetchFailure)]
        failures += self.failed.values()
        return sorted(failures, key=lambda failure: (failure.project, failure.release or ""))

    def available(self) -> list[Project]:
        """Return every project that is available."""
        return [project for project in self.projects.values() if isinstance(project, Project)]

    def lost(self, name: str, release: str | None) -> FetchFailure:
        """Report that a request was cancelled without a result."""
        return self._reporter.failure(name, release, MirrorError(f"{name}: lost while it was fetched"))

    def on_listing(self, name: str) -> Callable[[Project | None, Exception | None], None]:
        """Return the callback for a project or its error."""

        def deliver(project: Project | None, error: Exception | None) -> None:
            if project is None:
                self.projects[name] = self._reporter.failure(name, None, error)
                return
            self.projects[name] = project
            if self.listener is not None:
                self.listener.listed(project)

        return deliver

    def on_refetch(self, project: Project) -> Callable[[Exception | None], None]:
        """Return the callback that passes a project to the listener again when its page has been fetched again."""

        def deliver(error: Exception | None) -> None:
            if error is not None and not isinstance(error, MirrorError):
                raise error
            if self.listener is not None:
                self.listener.listed(project)

        return deliver

    def on_metadata(
        self, project: Project, release: int, file_kind: int
    ) -> Callable[[CoreMetadata | None, Exception | None], None]:
        """Return the callback for the metadata of one file or its error."""
        from mirror.records.dependency_sets import DependencySet  # only if metadata is read

        def deliver(metadata: CoreMetadata | None, error: Exception | None) -> None:
            view = project.view
            if metadata is None:
                self.failed[view.name, release, file_kind] = self._reporter.failure(
                    view.name, view.versions[release], error
                )
                return
            dependencies = DependencySet(metadata.requires_dist, metadata.requires_python)
            if metadata.built:
                view.built[release, file_kind] = dependencies
            else:
                dependencies = view.learn(release, file_kind, dependencies)
                if metadata.text is not None:
                    project.add_text(release, *metadata.text)
                project.changed = True
                self.ripe.append(project)
            self._reporter.observer.arrived("metadata", view.name, "index")
            if self.listener is not None:
                self.listener.learned(project, release, file_kind, dependencies)

        return deliver
