"""Which projects the dependencies that are known lead to: what whoever asks for one record will ask for next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import Malformed
from mirror.records.dependency_sets import BASE
from mirror.records.release_view import Absence, ReleaseView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MOST = 5000  # projects that one question may lead to


def dependency_closure(
    names: Iterable[str], load: Callable[[list[str]], dict[str, ReleaseView | Absence]], *, most: int = MOST
) -> list[str]:
    """Return the names and their known transitive dependencies, sorted; markers are not evaluated.

    ``load`` gives the views there are of some names; it is asked wave by wave.
    """
    seen: set[str] = set(names)
    extras: dict[str, set[str]] = {}
    views: dict[str, ReleaseView | Absence] = {}
    wave = sorted(seen)
    while wave and len(seen) <= most:
        views |= load([name for name in wave if name not in views])
        found: set[str] = set()
        for name in wave:
            for child, wished in _needs(views.get(name), extras.get(name, set())):
                more = wished - extras.setdefault(child, set())
                extras[child] |= more
                if child not in seen or more:
                    found.add(child)
        seen |= found
        wave = sorted(found)
    return sorted(seen)


def _needs(view: ReleaseView | Absence | None, extras: Iterable[str]) -> list[tuple[str, set[str]]]:
    """Return (project, extras) for everything that a view's dependency sets ask for."""
    if not isinstance(view, ReleaseView):
        return []
    found: dict[str, set[str]] = {}
    for one in view.dependency_sets:
        for extra in (BASE, *sorted(extras)):
            try:
                dependencies = one.dependencies(extra)
            except Malformed:
                continue
            for dependency in dependencies:
                if extra == BASE and dependency.marker is not None and "extra" in dependency.marker:
                    continue
                found.setdefault(dependency.name, set()).update(dependency.extras)
    return sorted(found.items())
