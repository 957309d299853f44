"""A recorded index: which releases there are, their files, and the dependencies of the requested ones.

One xz-compressed file of JSON lines. The first line is the header, each other line one project. There are no URLs, no host
names and no file hashes in it: files are made from their names when they are served (``synthetic``), and hashes follow.
"""

from __future__ import annotations

import json
import lzma
from pathlib import Path
from typing import Any, NamedTuple

KIND = "pipx-parallel index recording"
VERSION = 1


class RecordedMetadata(NamedTuple):
    """The lines of a METADATA file that a resolver reads, and the size of the file in bytes."""

    lines: tuple[str, ...]
    size: int


class RecordedFile(NamedTuple):
    """One file of a release. ``uploaded`` is in seconds since the epoch, None if the index does not state it."""

    name: str
    uploaded: int | None = None
    yanked: bool = False


class Release(NamedTuple):
    """One version. ``metadata`` is None if no tool requested it during the recording."""

    version: str
    requires_python: str | None
    files: tuple[RecordedFile, ...]
    metadata: RecordedMetadata | None = None


class RecordedProject(NamedTuple):
    """One project, its releases newest first."""

    name: str
    releases: tuple[Release, ...]


class Recording(NamedTuple):
    """The content of a recording file. ``header`` states how and when it was made."""

    header: dict[str, Any]
    projects: tuple[RecordedProject, ...]


def write(path: Path, recording: Recording) -> None:
    """Write a recording; the same recording gives the same bytes."""
    lines = [{"kind": KIND, "version": VERSION, **recording.header}]
    lines.extend(_project_to_json(project) for project in sorted(recording.projects))
    text = "".join(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n" for line in lines)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))


def read(path: Path) -> Recording:
    """Read a recording; raise ValueError if the file is something else."""
    first, *rest = lzma.decompress(path.read_bytes()).decode().splitlines()
    header = json.loads(first)
    if header.pop("kind", None) != KIND or header.pop("version", None) != VERSION:
        raise ValueError(f"{path} is not a recording of version {VERSION}")
    return Recording(header, tuple(_project_from_json(json.loads(line)) for line in rest))


def _project_to_json(project: RecordedProject) -> dict[str, Any]:
    return {"n": project.name, "r": [_release_to_json(release) for release in project.releases]}


def _release_to_json(release: Release) -> dict[str, Any]:
    """Write times as seconds after the release's first file, which compresses better."""
    times = [file.uploaded for file in release.files if file.uploaded is not None]
    start = min(times, default=0)
    value: dict[str, Any] = {"v": release.version, "t": start}
    if release.requires_python:
        value["p"] = release.requires_python
    value["f"] = [
        [file.name, None if file.uploaded is None else file.uploaded - start, *([1] if file.yanked else [])]
        for file in release.files
    ]
    if release.metadata:
        value["m"] = [release.metadata.size, *release.metadata.lines]
    return value


def _project_from_json(value: dict[str, Any]) -> RecordedProject:
    return RecordedProject(value["n"], tuple(_release_from_json(release) for release in value["r"]))


def _release_from_json(value: dict[str, Any]) -> Release:
    start = value["t"]
    files = tuple(
        RecordedFile(name, None if offset is None else start + offset, bool(yanked))
        for name, offset, *yanked in value["f"]
    )
    metadata = value.get("m")
    recorded = RecordedMetadata(tuple(metadata[1:]), metadata[0]) if metadata else None
    return Release(value["v"], value.get("p"), files, recorded)
