"""An invented index of medium size: enough projects for many workers, and conflicts to solve."""

from __future__ import annotations

from tests.support.dists import Dist, sdist, wheel

ROOTS = ("web", "data", "cloud", "tool")
_LAYERS = 5
_WIDTH = 8
_RELEASES = 12


def layered_projects() -> dict[str, list[Dist]]:
    """Return the projects: four that the user requires, and layers below, each project needing two of the next layer."""
    world = {f"p{layer}-{number}": _project(layer, number) for layer in range(_LAYERS) for number in range(_WIDTH)}
    for position, name in enumerate(ROOTS):
        requirement_lines = [f"p0-{position}", f"p0-{position + 4}", f"p1-{position}<={_RELEASES - position}.0"]
        world[name] = [
            wheel(name, f"{n}.0", requirement_lines, {"more": [f"p2-{position}"]}) for n in range(1, _RELEASES)
        ]
    return world


def _project(layer: int, number: int) -> list[Dist]:
    """Return a project's files: every release asks for two projects of the next layer, the newest not beyond a bound."""
    name = f"p{layer}-{number}"
    files: list[Dist] = []
    for release in range(1, _RELEASES):
        requirement_lines = []
        if layer + 1 < _LAYERS:
            first, second = f"p{layer + 1}-{number}", f"p{layer + 1}-{(number + 3) % _WIDTH}"
            requirement_lines = [f"{first}>=1", f"{second}<={_RELEASES - number % 4}.0; python_version >= '3'"]
        files.append(wheel(name, f"{release}.0", requirement_lines))
        if release % 3 == 0:
            files.append(sdist(name, f"{release}.0", requirement_lines))
    return files
