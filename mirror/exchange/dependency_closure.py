"""The transitive dependencies of projects by stored dependency sets: the records that a client needs next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import Malformed
from mirror.records.dependency_sets import BASE
from mirror.records.release_view import Absence, ReleaseView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MOST = 5000  # the limit of projects in a closure


def dependency_closure(
    names: Iterable[str], load: Callable[[list[str]], dict[str, ReleaseView | Absence]], *, most: int = MOST
) -> list[str]:
    """Return the names and their transitive dependencies by stored sets, sorted; markers are not evaluated.

    Args:
        names: Normalised project names.
        load: Returns the available views of some names. It is called once for each level of dependencies.
        most: The search stops after a level with more projects.
    """
    seen: set[str] = set(names)
    extras: dict[str, set[str]] = {}
    views: dict[str, ReleaseView | Absence] = {}
    wave = sorted(seen)
    while wave and len(seen) <= most:
        views |= load([name for name in wave if name not in views])
        next_wave: set[str] = set()
        for name in wave:
            for child, wanted in _required_projects(views.get(name), extras.get(name, set())):
                more = wanted - extras.setdefault(child, set())
                extras[child] |= more
                if child not in seen or more:
                    next_wave.add(child)
        seen |= next_wave
        wave = sorted(next_wave)
    return sorted(seen)


def _required_projects(view: ReleaseView | Absence | None, extras: Iterable[str]) -> list[tuple[str, set[str]]]:
    """Return (project, extras) for every requirement of a view's dependency sets."""
    if not isinstance(view, ReleaseView):
        return []
    extras_by_project: dict[str, set[str]] = {}
    for dependency_set in view.dependency_sets:
        for extra in (BASE, *sorted(extras)):
            try:
                dependencies = dependency_set.dependencies(extra)
            except Malformed:
                continue
            for dependency in dependencies:
                if extra == BASE and dependency.marker is not None and "extra" in dependency.marker:
                    continue
                extras_by_project.setdefault(dependency.name, set()).update(dependency.extras)
    return sorted(extras_by_project.items())
