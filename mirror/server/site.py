"""The pages for people: what the mirror holds, a page for each project, and a form that locks requirements.

They work without a script and under any path prefix: every link is relative.
"""

from __future__ import annotations

import asyncio
import json
import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import msgspec

from mirror.names import is_project_name, normalize_name
from mirror.server.answers import Answer, problem
from mirror.server.site_facts import Facts, dependency_name, release_rows
from mirror.server.site_render import ASSETS, GraphLine, Renderer, graph_lines, project_values

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from mirror.server.responses import Pages

_MOST_ROWS = 500  # projects on one page
_MOST_RELEASES = 100  # unless all are asked for
_HOST = re.compile(r"[A-Za-z0-9.-]+(:\d+)?|\[[0-9a-fA-F:.]+\](:\d+)?")
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)*")
_LINE = re.compile(r"\brequirements\.txt:(\d+)")  # a pasted list has no file name
_PLATFORMS = (
    "linux",
    "macos",
    "windows",
    "x86_64-manylinux_2_28",
    "aarch64-manylinux_2_28",
    "x86_64-unknown-linux-musl",
)


class Pin(msgspec.Struct, frozen=True):
    """One package of a lock that was asked for."""

    name: str
    version: str
    latest: str
    direct: bool
    reason: str
    parents: tuple[tuple[str, str], ...]  # (package that requires it, "" for the list itself; requirement line)


class Result(msgspec.Struct, frozen=True):
    """A lock as its page shows it."""

    label: str
    pins: tuple[Pin, ...]
    tree: tuple[GraphLine, ...]
    outdated: int  # packages that have a newer release


class Site:
    """Answers requests of browsers."""

    def __init__(self, pages: Pages, facts: Facts, renderer: Renderer, *, offline: bool) -> None:
        """``pages`` gives the files of a project as the server's Simple API lists them."""
        self._pages = pages
        self._facts = facts
        self._renderer = renderer
        self._offline = offline

    async def get(self, parts: list[str], query: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        """Return the page at a path, given by its parts, for a request's query and headers."""
        match parts:
            case [""]:
                return await asyncio.to_thread(self._home, headers)
            case ["ui", "projects", ""]:
                return await asyncio.to_thread(self._projects, query.get("q", ""))
            case ["ui", "projects", name, ""]:
                return await self._project(name, everything=query.get("all") == "1")
            case ["ui", "lock"]:
                return self._form({})
            case ["ui", asset] if asset in ASSETS:
                return await asyncio.to_thread(self._renderer.asset_answer, asset)
        return problem(404, "not found")

    async def lock(
        self, body: bytes, headers: Mapping[str, str], lock: Callable[[bytes, Mapping[str, str]], Awaitable[Answer]]
    ) -> Answer:
        """Return the page with the lock of the requirements that a form sent; ``lock`` answers as POST /lock does."""
        if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return problem(403, "a form of another site cannot ask for a lock")
        fields = {
            name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace"), max_num_fields=8).items()
        }
        requirements = fields.get("requirements", "").replace("\r\n", "\n").encode()
        target = {name: fields[name].strip() for name in ("python", "platform") if fields.get(name, "").strip()}
        report = await lock(requirements, {"format": "json", **target})
        if report.status != 200:
            return self._form(fields, status=report.status, problem=report.body.decode("utf-8", "replace"))
        text = await lock(requirements, {"format": "requirements", **target})
        return self._form(
            fields, result=_result(json.loads(report.body)), lock_text=text.body.decode("utf-8", "replace")
        )

    def _form(self, fields: Mapping[str, str], status: int = 200, **shown: object) -> Answer:
        values: dict[str, object] = {name: fields.get(name, "") for name in ("requirements", "python", "platform")}
        values |= {"status": status, "problem": "", "result": None, "lock_text": "", "platforms": _PLATFORMS, **shown}
        return self._renderer.answer("lock.html", 1, values, status)

    def _home(self, headers: Mapping[str, str]) -> Answer:
        values = {
            "overview": self._facts.overview(),
            "offline": self._offline,
            "commands": commands(_base_url(headers)),
        }
        return self._renderer.answer("home.html", 0, values)

    def _projects(self, query: str) -> Answer:
        projects = self._facts.overview().projects
        part = normalize_name(query.strip()) if query.strip() else ""
        rows = [row for name, row in projects.items() if part in name]
        values = {"rows": rows[:_MOST_ROWS], "total": len(rows), "query": query.strip()}
        return self._renderer.answer("projects.html", 2, values)

    async def _project(self, name: str, *, everything: bool) -> Answer:
        normal = normalize_name(name) if is_project_name(name) else ""
        if normal and normal != name:
            return problem(301, "moved permanently").with_header("location", f"../{normal}/")
        overview = await asyncio.to_thread(self._facts.overview)
        if normal not in overview.projects:
            return self._missing(name, list(overview.projects))
        listed = await self._pages.listed(normal)
        if isinstance(listed, Answer):
            return listed
        most = None if everything else _MOST_RELEASES
        rows = release_rows(normal, listed.versions, listed.files)[:most]
        return self._renderer.answer("project.html", 3, project_values(overview, normal, rows, dependency_name))

    def _missing(self, name: str, names: list[str]) -> Answer:
        sentence = f"The mirror holds no project {name[:100]!r}."
        if not self._offline:
            sentence += " It is fetched when a client asks the Simple API for it."
        close = get_close_matches(name[:100].lower(), names, n=3, cutoff=0.7)
        return self._renderer.answer("missing.html", 3, {"sentence": sentence, "suggestions": close}, 404)


def commands(base: str) -> tuple[tuple[str, str], ...]:
    """Return (title, command) of how to use the mirror at a URL without a slash at its end."""
    return (
        ("pip", f"pip install --index-url {base}/simple/ PACKAGE"),
        ("uv", f"uv pip install --default-index {base}/simple/ PACKAGE"),
        ("pipx-parallel", f"pipx-parallel lock --mirror {base} requirements.in"),
        ("curl", f"curl --data-binary @requirements.in '{base}/lock?format=requirements'"),
    )


def _base_url(headers: Mapping[str, str]) -> str:
    """Return the URL at which a browser sees this server: what it or its proxy says, if that is a plain host and path."""
    host = headers.get("x-forwarded-host", headers.get("host", ""))
    scheme = headers.get("x-forwarded-proto", "http")
    prefix = headers.get("x-forwarded-prefix", "").rstrip("/")
    if _HOST.fullmatch(host) is None or scheme not in {"http", "https"} or _PREFIX.fullmatch(prefix) is None:
        return "http://HOST:PORT"
    return f"{scheme}://{host}{prefix}"


def _result(report: Mapping[str, Any]) -> Result:
    """Return what the page shows of a report in JSON (docs/reference: ``--format json``), of its first target."""
    target = report["targets"][0]
    parents: dict[str, dict[tuple[str, str], None]] = {}
    children: dict[str, dict[str, None]] = {}
    for edge in target["edges"]:
        parent = (edge["parent"] or "").partition("[")[0]
        if parent == edge["child"]:
            continue  # an extra that requires another of its own project
        parents.setdefault(edge["child"], {})[parent, edge["requirement"]] = None
        children.setdefault(parent, {})[edge["child"]] = None
    pins = tuple(
        Pin(
            pin["name"],
            pin["version"],
            pin["latest"] or "",
            pin["direct"],
            _LINE.sub(r"line \1", pin["reason"] or ""),
            tuple(parents.get(pin["name"], ())),
        )
        for pin in target["pins"]
    )
    lists = {name: list(below) for name, below in children.items()}
    lines = graph_lines(lists.pop("", []), lists, {pin.name: pin.version for pin in pins})
    outdated = sum(bool(pin.latest) and pin.latest != pin.version for pin in pins)
    return Result(target["label"], pins, tuple(lines), outdated=outdated)
