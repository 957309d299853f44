"""A builder of resolutions for tests: a test gives what matters to it, the rest has defaults.

``resolution("a==1 -> b", "b==2")`` is two pins and an edge; ``wheel`` and ``sdist`` make files with true-looking hashes.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypedDict, Unpack

from mirror.names import normalize_extras
from mirror.records.model import DistFile
from pipx_parallel.emitters.interface import LockContext
from pipx_parallel.model import (
    IndexOptions,
    Origin,
    Pin,
    RequirementEdge,
    Resolution,
    RootRequirement,
    SourceFile,
    Target,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mirror.records.model import FetchFailure
    from pipx_parallel.model import Stats

INDEX = "https://index.example/simple"
FILES = "https://files.index.example"


class FileFields(TypedDict, total=False):
    """The fields of a file that a test may set."""

    url: str
    hashes: tuple[tuple[str, str], ...]
    size: int | None
    upload_time: str | None
    requires_python: str | None
    yanked: str | None
    core_metadata: str | bool


class PinFields(TypedDict, total=False):
    """The fields of a pin that a test may set."""

    files: Sequence[DistFile]
    installable: tuple[DistFile, ...]
    requires_python: str | None
    index: str | None
    url: str | None
    direct: bool
    latest: str | None
    reason: str | None
    libyears: float | None
    status: str | None
    bounded: bool


class RootFields(TypedDict, total=False):
    """The fields of a root requirement that a test may set."""

    marker: str | None
    hashes: tuple[str, ...]
    constraint: bool
    editable: bool
    config_settings: tuple[tuple[str, str], ...]


def target(
    python: str = "3.11", platform: str = "linux", machine: str = "x86_64", *, tags: Sequence[str] = ("py3-none-any",)
) -> Target:
    """Return a CPython target with every PEP 508 variable set."""
    systems = {"linux": ("posix", "Linux"), "darwin": ("posix", "Darwin"), "win32": ("nt", "Windows")}
    os_name, system = systems[platform]
    markers = {
        "implementation_name": "cpython",
        "implementation_version": f"{python}.7",
        "os_name": os_name,
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_release": "6.1",
        "platform_system": system,
        "platform_version": "#1",
        "python_full_version": f"{python}.7",
        "python_version": python,
        "sys_platform": platform,
    }
    return Target(f"cpython {python} {platform} {machine}", f"{python}.7", markers, tuple(tags))


def digest(text: str) -> str:
    """Return the SHA-256 of a text: a stand-in for a file's."""
    return hashlib.sha256(text.encode()).hexdigest()


def file(filename: str, **fields: Unpack[FileFields]) -> DistFile:
    """Return a file on the example index with hash, size and upload time."""
    values: FileFields = {
        "url": f"{FILES}/{filename}",
        "hashes": (("sha256", digest(filename)),),
        "size": 1000 + len(filename),
        "upload_time": "2026-01-02T03:04:05.678900Z",
        **fields,
    }
    return DistFile(filename, **values)


def wheel(name: str, version: str, tag: str = "py3-none-any", **fields: Unpack[FileFields]) -> DistFile:
    """Return a wheel of that release."""
    return file(f"{name.replace('-', '_')}-{version}-{tag}.whl", **fields)


def sdist(name: str, version: str, **fields: Unpack[FileFields]) -> DistFile:
    """Return the source archive of that release."""
    return file(f"{name.replace('-', '_')}-{version}.tar.gz", **fields)


def pin(name: str, version: str, *offered: DistFile, **fields: Unpack[PinFields]) -> Pin:
    """Return a pin; without files it has one wheel for every platform and a source archive."""
    every = offered or (wheel(name, version), sdist(name, version))
    values: PinFields = {
        "files": tuple(sorted(every)),
        "installable": every,
        "requires_python": ">=3.9",
        "index": INDEX,
        **fields,
    }
    return Pin(name, version, **values)


def root(text: str, line: int = 1, source: str = "requirements.in", **fields: Unpack[RootFields]) -> RootRequirement:
    """Return a root from ``name[extra]>=1`` or ``name @ url``."""
    head, _, url = text.partition(" @ ")
    length = next((number for number, character in enumerate(head) if character in "[<>=!~ "), len(head))
    name, rest = head[:length], head[length:]
    inside, _, specifier = rest[1:].partition("]") if rest.startswith("[") else ("", "", rest)
    extras = normalize_extras(inside)
    values: RootFields = {"marker": None, "hashes": (), **fields}
    return RootRequirement(name, extras, specifier, url=url or None, origin=Origin(source, line), text=text, **values)


def resolution(
    pins: Sequence[Pin],
    roots: Sequence[RootRequirement] = (),
    edges: Sequence[tuple[str, str, str]] = (),
    *,
    for_target: Target | None = None,
    missing: Sequence[FetchFailure] = (),
    stats: Stats | None = None,
) -> Resolution:
    """Return a resolution; ``edges`` are (parent, child, requirement), those of the user come from ``roots``."""
    asked = [
        RequirementEdge("", line.name, line.text, line.origin, line.extras) for line in roots if not line.constraint
    ]
    every = sorted(
        [*asked, *(RequirementEdge(*edge, None, root(edge[2]).extras) for edge in edges)],
        key=lambda edge: (edge.child, edge.parent, edge.requirement),
    )
    wanted = {line.name for line in roots}
    sorted_pins = sorted(pins, key=lambda line: line.name)
    return Resolution(
        for_target or target(),
        tuple(line._replace(direct=line.name in wanted) for line in sorted_pins),
        tuple(every),
        tuple(roots),
        tuple(missing),
        stats,
    )


def web_resolution(for_target: Target | None = None) -> Resolution:
    """Return the example of the goldens: a client, its dependencies, an extra, one pin that is not the newest."""
    return resolution(
        [
            pin("anyio", "4.16.0"),
            pin("certifi", "2026.1.1"),
            pin("h11", "0.16.0"),
            pin("httpcore", "1.0.9", latest="1.1.0", reason="httpx 0.28.1 asks for httpcore==1.*,<1.1"),
            pin(
                "httptools",
                "0.6.4",
                wheel("httptools", "0.6.4", "cp311-cp311-manylinux_2_17_x86_64"),
                sdist("httptools", "0.6.4"),
            ),
            pin("httpx", "0.28.1"),
            pin("idna", "3.10"),
            pin("socksio", "1.0.0", requires_python=None),
        ],
        [root("httpx[socks]>=0.28", 2), root("httptools", 3), root("idna<4", 1, "limits.in")],
        [
            ("httpx", "anyio", "anyio"),
            ("httpx", "certifi", "certifi"),
            ("httpx", "httpcore", "httpcore==1.*,<1.1"),
            ("httpx", "idna", "idna"),
            ("httpx[socks]", "socksio", "socksio==1.*"),
            ("httpcore", "certifi", "certifi"),
            ("httpcore", "h11", "h11>=0.16"),
            ("anyio", "idna", "idna>=2.8"),
        ],
        for_target=for_target,
    )


def context(
    command: str = "pipx-parallel lock requirements.in",
    *,
    options: IndexOptions | None = None,
    settings: Mapping[str, str] | None = None,
    hashes: bool = True,
) -> LockContext:
    """Return a context with one source file."""
    files = (SourceFile("requirements.in", digest("requirements.in")),)
    return LockContext(command, files, options or IndexOptions(), settings or {"resolution": "highest"}, hashes)
