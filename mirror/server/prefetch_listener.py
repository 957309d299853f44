"""Prefetching for clients of a server: what an installer requests next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import Malformed
from mirror.records.dependency_sets import BASE
from mirror.records.filenames import SDIST, VARIANT

if TYPE_CHECKING:
    from mirror.records.dependency_sets import DependencySet
    from mirror.records.project import Project
    from mirror.session.mirror import Mirror


class PrefetchListener:
    """A listener that requests what a resolution of the newest releases needs."""

    def __init__(self, mirror: Mirror) -> None:
        """Take the mirror whose listener this is."""
        self._mirror = mirror

    def listed(self, project: Project) -> None:
        """Request the dependencies of the newest final release."""
        view = project.view
        finals = ((1 << len(view.versions)) - 1) & ~view.prereleases
        if not finals:
            return
        release = finals.bit_length() - 1
        for file_kind in view.kind_set_of(release):
            if view.file_kinds[file_kind].tags not in {SDIST, VARIANT}:
                self._mirror.want_dependencies(project, release, file_kind)
                return

    def learned(self, project: Project, release: int, file_kind: int, dependencies: DependencySet) -> None:  # noqa: ARG002 - the listener's signature
        """Request the projects that a release depends on, whatever their markers."""
        try:
            names = [
                row.name for row in dependencies.dependencies(BASE) if row.marker is None or "extra" not in row.marker
            ]
        except Malformed:
            return
        self._mirror.want_projects(names)
