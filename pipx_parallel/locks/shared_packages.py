"""Packages that several others require, and those with several releases: ``tree --duplicates``. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipx_parallel.locks.graph import all_dependents, graph_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipx_parallel.model import Resolution


def render_shared(resolutions: Sequence[Resolution]) -> str:
    """Return the packages that are reached several times, a line each, the most often first.

    An environment has one release of a project. Only resolutions for several targets can differ: those projects come first.
    """
    lines = [f"{name} {', '.join(versions)}  (differs between targets)" for name, versions in _differing(resolutions)]
    for name, version, parents in _shared(resolutions):
        lines.append(f"{name} {version}  ({len(parents)}): {', '.join(parents)}")
    return "".join(f"{line}\n" for line in lines or ["no package is required more than once"])


def _differing(resolutions: Sequence[Resolution]) -> list[tuple[str, list[str]]]:
    versions: dict[str, dict[str, None]] = {}
    for resolution in resolutions:
        for pin in resolution.pins:
            versions.setdefault(pin.name, {})[pin.version] = None
    return [(name, list(releases)) for name, releases in sorted(versions.items()) if len(releases) > 1]


def _shared(resolutions: Sequence[Resolution]) -> list[tuple[str, str, list[str]]]:
    """Return name, version and parents: other packages, and lines of the input."""
    rows: dict[tuple[str, str], dict[str, None]] = {}
    for resolution in resolutions:
        graph = graph_of(resolution)
        for pin in resolution.pins:
            parents = rows.setdefault((pin.name, pin.version), {})
            parents.update({str(edge.origin): None for edge in graph.roots if edge.child == pin.name})
            parents.update({edge.parent_project: None for edge in all_dependents(graph, pin.name)})
    shared = [(*key, list(parents)) for key, parents in rows.items() if len(parents) > 1]
    return sorted(shared, key=lambda row: (-len(row[2]), row[0], row[1]))
