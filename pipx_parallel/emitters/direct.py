"""Direct references (PEP 508 ``name @ url``), split into the parts that PEP 751 and pip name."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from mirror import names
from mirror.equality import NamedTuple
from pipx_parallel.direct_url import split_fragment, split_revision, split_tool, strong_hashes
from pipx_parallel.emitters.plain_text import safe_url

if TYPE_CHECKING:
    from pipx_parallel.model import Pin, RootRequirement

_COMMIT = r"[0-9a-f]{40}(?:[0-9a-f]{24})?"


class VcsSource(NamedTuple):
    """A commit of a repository (PEP 751 ``packages.vcs``)."""

    kind: str
    url: str
    commit: str
    requested: str | None = None
    subdirectory: str | None = None


class ArchiveSource(NamedTuple):
    """A wheel or source archive at a URL (PEP 751 ``packages.archive``)."""

    url: str | None  # None: ``path`` is set
    hashes: tuple[tuple[str, str], ...]
    size: int | None = None
    upload_time: str | None = None
    subdirectory: str | None = None
    path: str | None = None  # of a local file: uv 0.13 does not accept a ``file:`` URL for an archive


class DirectorySource(NamedTuple):
    """A local folder (PEP 751 ``packages.directory``)."""

    path: str
    editable: bool = False
    subdirectory: str | None = None


def source_of(pin: Pin, root: RootRequirement | None) -> VcsSource | ArchiveSource | DirectorySource | None:
    """Return the source of the pin's content; None if nothing fixes that content (a branch, no hash).

    ``root`` is the user's own requirement on it, if there is one: it names the branch.
    """
    if pin.url is None:
        return None
    url, parts = split_fragment(safe_url(pin.url))
    kind, address = split_tool(url)
    if kind:
        return _vcs(kind, address, parts.get("subdirectory"), root)
    if is_archive(pin.url):
        return _archive(pin, url, parts)
    if url.startswith("file:"):
        return DirectorySource(
            local_path(url), editable=root is not None and root.editable, subdirectory=parts.get("subdirectory")
        )
    return _archive(pin, url, parts)


def is_archive(url: str) -> bool:
    """Return whether the URL names a file that pip would unpack, rather than a folder or a repository."""
    path = url.partition("#")[0].partition("?")[0]
    return names.is_archive(path) and not split_tool(path)[0]


def relative_path(path: str, folder: str, root: RootRequirement | None) -> str | None:
    """Return a local path relative to a folder, so that both can be moved together; None if it is to be written in full.

    Both are absolute. A path outside the folder is relative if the user wrote it so: then it belongs to the same tree.
    """
    same_drive = path.partition("/")[0].lower() == folder.partition("/")[0].lower()
    inside = folder and path.startswith(folder.rstrip("/") + "/")
    if not folder or not same_drive or not (path == folder or inside or (root is not None and _is_relative(root.text))):
        return None
    return posixpath.relpath(path, folder)


def _is_relative(text: str) -> bool:
    """Return whether the text of a requirement names a path without its beginning: ``-e ./lib``, ``lib @ file:lib``."""
    location = re.sub(
        r"^(?:(?:-e|--editable)[= ]\s*)?(?:[\w.-]+\s*(?:\[[^\]]*\])?\s*@\s*)?(?:file:(?!//))?", "", text.strip()
    )
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+:|[/\\~]|[A-Za-z]:[/\\]", location) is None


def local_path(url: str) -> str:
    """Return the path of a ``file:`` URL, without the slash before a Windows drive."""
    from urllib.parse import unquote  # 9 ms to import, for local folders only

    path = unquote(url.removeprefix("file:").removeprefix("//").removeprefix("localhost"))
    return path[1:] if re.match(r"/[A-Za-z]:", path) else path


def _vcs(kind: str, address: str, subdirectory: str | None, root: RootRequirement | None) -> VcsSource | None:
    repository, revision = split_revision(address)
    if revision is None or not re.fullmatch(_COMMIT, revision):
        return None
    requested = None
    if root is not None and root.url is not None:
        requested_url = safe_url(root.url).partition("#")[0].partition("+")[2]
        requested_repository, requested_revision = split_revision(requested_url)
        requested = requested_revision if requested_repository == repository else None
    return VcsSource(kind, repository, revision, requested, subdirectory)


def _archive(pin: Pin, url: str, parts: dict[str, str]) -> ArchiveSource | None:
    file = pin.files[0] if pin.files else None
    hashes = dict(file.hashes) if file is not None else {}
    hashes.update(strong_hashes(parts))
    if not hashes:
        return None
    size, upload_time = (file.size, file.upload_time) if file is not None else (None, None)
    local = local_path(url) if url.startswith("file:") else None
    address = url if local is None else None
    return ArchiveSource(address, tuple(sorted(hashes.items())), size, upload_time, parts.get("subdirectory"), local)
