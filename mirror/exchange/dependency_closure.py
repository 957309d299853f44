"""The transitive dependencies of projects by stored dependency sets: the records that a client needs next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import Malformed
from mirror.records.dependency_sets import BASE
from mirror.records.release_view import Absence, ReleaseView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MOST = 5000  # projects; the search stops after a level with more


def dependency_closure(
    names: Iterable[str], load: Callable[[list[str]], dict[str, ReleaseView | Absence]]
) -> list[str]:
    """Return the names and their transitive dependencies by stored sets, sorted; markers are not evaluated.

    Args:
        names: Normalised project names.
        load: Returns the available views of some names. It is called once for each level of dependencies.
    """
    seen: set[str] = set(names)
    extras: dict[str, set[str]] = {}
    views: dict[str, ReleaseView | Absence] = {}
    wave = sorted(seen)
    while wave and len(seen) <= MOST:
        views |= load([name for name in wave if name not in views])
        next_wave: set[str] = set()
        for name in wave:
            view = views.get(name)
            required = required_projects(view, (BASE, *extras.get(name, ()))) if isinstance(view, ReleaseView) else {}
            for child, wanted in sorted(required.items()):
                more = wanted - extras.setdefault(child, set())
                extras[child] |= more
                if child not in seen or more:
                    next_wave.add(child)
        seen |= next_wave
        wave = sorted(next_wave)
    return sorted(seen)


def required_projects(view: ReleaseView, extras: Iterable[str]) -> dict[str, set[str]]:
    """Return {project: its extras} of every requirement that a view's dependency sets have for some extras, ``BASE`` among them.

    A set with a line that cannot be parsed counts as empty.
    """
    required: dict[str, set[str]] = {}
    for extra in extras:
        for dependency_set in view.dependency_sets:
            try:
                dependencies = dependency_set.dependencies(extra)
            except Malformed:
                continue
            for dependency in dependencies:
                if extra == BASE and dependency.marker is not None and "extra" in dependency.marker:
                    continue
                required.setdefault(dependency.name, set()).update(dependency.extras)
    return required
