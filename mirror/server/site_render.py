"""HTML for people: templates that escape by construction, and the headers that every such page has."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import jinja2
import msgspec

from mirror.server.answers import Answer, Page

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mirror.server.site_facts import Overview, ReleaseRow

_FOLDER = os.path.join(os.path.dirname(__file__), "templates")
# Nothing is loaded from elsewhere and no inline script or style runs, whatever a project's texts hold.
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = (
    ("content-security-policy", _POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
)
_MOST_LINES = 3000  # of a dependency graph
ASSETS: Mapping[str, str] = {"style.css": "text/css; charset=utf-8", "copy.js": "text/javascript; charset=utf-8"}


class Renderer:
    """Fills the templates. ``interactive`` is False for published files, which no program answers behind."""

    def __init__(self, *, interactive: bool, version: str) -> None:
        """``version`` is that of the tool, for the foot of each page."""
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_FOLDER), autoescape=True, undefined=jinja2.StrictUndefined
        )
        self._templates.filters.update(ago=_ago, size=_size)
        self._always = {
            "interactive": interactive,
            "tool_version": version,
            "leaf": "" if interactive else "index.html",
        }

    def html(self, template: str, depth: int, values: Mapping[str, object]) -> bytes:
        """Return a page; ``depth`` is how many folders it lies below the first, so that links work under any prefix."""
        root = "../" * depth or "./"
        return self._templates.get_template(template).render(**self._always, root=root, **values).encode()

    def answer(self, template: str, depth: int, values: Mapping[str, object], status: int = 200) -> Answer:
        """Return a page as an answer."""
        body = self.html(template, depth, values)
        headers = (*_HEADERS, ("cache-control", "no-store"))
        return Answer(status, body, "text/html; charset=utf-8", headers=headers)

    @staticmethod
    def asset(name: str) -> bytes:
        """Return a style sheet or script (``ASSETS``)."""
        with open(os.path.join(_FOLDER, name), "rb") as file:
            return file.read()

    def asset_answer(self, name: str) -> Answer:
        """Return a style sheet or script as an answer."""
        return msgspec.structs.replace(Page(self.asset(name), ASSETS[name]).answer(), headers=_HEADERS)


def project_values(
    overview: Overview, name: str, releases: Sequence[ReleaseRow], required: Callable[[str], str]
) -> dict[str, object]:
    """Return what the template of a project needs; ``required`` gives the normal name that a Requires-Dist line names."""
    row = overview.projects[name]
    return {
        "overview": overview,
        "row": row,
        "releases": releases,
        "any_yanked": any(release.yanked is not None for release in releases),
        "requires": [(required(line), line) for line in row.requires],
        "dependants": overview.dependants.get(name, ()),
    }


class GraphLine(msgspec.Struct, frozen=True):
    """One line of a dependency graph drawn as text."""

    prefix: str
    name: str
    version: str
    repeated: bool  # its dependencies are drawn further up


def graph_lines(
    roots: Iterable[str], children: Mapping[str, Sequence[str]], versions: Mapping[str, str]
) -> list[GraphLine]:
    """Return a dependency graph as lines, each package's dependencies drawn once."""
    lines: list[GraphLine] = []
    drawn: set[str] = set()
    stack = [("", "", name) for name in sorted(roots, reverse=True)]
    while stack and len(lines) < _MOST_LINES:
        prefix, branch, name = stack.pop()
        below = sorted(child for child in children.get(name, ()) if child in versions)
        repeated = name in drawn and bool(below)
        lines.append(GraphLine(prefix + branch, name, versions.get(name, ""), repeated))
        if repeated:
            continue
        drawn.add(name)
        inner = prefix + {"": "", "├── ": "│   ", "└── ": "    "}[branch]
        branches = ["├── "] * (len(below) - 1) + ["└── "] * bool(below)
        stack += [(inner, *row) for row in reversed(list(zip(branches, below, strict=True)))]
    return lines


def _ago(moment: float) -> str:
    """Return how long ago a moment was, in one unit."""
    seconds = max(0, int(time.time() - moment))
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count = seconds // length
        if count:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "less than a minute ago"


def _size(count: int) -> str:
    """Return bytes as a person reads them; "" for 0: the index does not say."""
    if not count:
        return ""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"
