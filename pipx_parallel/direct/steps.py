"""From a reference to its project, as sans-IO steps. Metadata is stored in the mirror.

An archive is read whole, because a lock needs its hash. The metadata of a commit is read once. The metadata of a folder is read
again if one of its ``_DECIDING`` files has changed.
"""

from __future__ import annotations

import hashlib
import json
from io import BytesIO
from typing import TYPE_CHECKING, Any

from mirror.equality import NamedTuple
from mirror.errors import Integrity, NoSuchPath, NotFound, Offline, Unreachable
from mirror.keys import REFERENCES
from mirror.metadata.core_metadata import CoreMetadata, parse_core_metadata
from mirror.metadata.static_metadata import project_metadata, static_metadata
from mirror.metadata.wheel_metadata import wheel_metadata
from mirror.ports import Purpose, Request, SourceTree, Work
from mirror.records.freshness import SERVE, conditional_headers, decide, from_headers, from_json, revalidated
from mirror.records.licences import StatedLicence
from mirror.urls import path_of
from pipx_parallel.direct.direct_project import DirectProject
from pipx_parallel.direct.reference import pinned

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from mirror.metadata.builds import Builds
    from mirror.ports import Exchange
    from pipx_parallel.direct.git import Git
    from pipx_parallel.direct.reference import Reference

    Steps = Generator[Request | Work, Any, DirectProject]

_LIMIT = 4 * 1024 * 1024 * 1024  # bytes of an archive
# A local folder is a project in development, and its lock must not be an input of the next one: the setuptools plugin is off there
# (``setuptools_plugin.SWITCH``). An archive or a commit is read as it will be installed.
_WITHOUT_ITS_LOCK = (("PIPX_PARALLEL_SETUPTOOLS", "0"),)
_CHECK_PATH = "paths count from the current folder; check the path"
_DECIDING = ("pyproject.toml", "setup.py", "setup.cfg")  # the files that decide a folder's dependencies


class BuildContext(NamedTuple):
    """The services that the steps use."""

    builds: Builds
    git: Git
    read_derived: Callable[[str], bytes | None]
    write_derived: Callable[[str, bytes], None]
    learn: Callable[[str], str]  # stores the credentials of a URL
    now: float  # seconds since the epoch
    offline: bool
    refresh: bool


def find(reference: Reference, settings: tuple[tuple[str, str], ...], egg: str, context: BuildContext) -> Steps:
    """Return the project of a reference; ``settings`` are config settings of its build, ``egg`` goes into a pinned git URL.

    Raises ``NotFound``, ``Unreachable``, ``Offline``, ``Integrity``, ``Malformed``, ``BuildFailed`` or ``NeedsBuild``.
    """
    if reference.kind == "git":
        return (yield from _repository(reference, settings, egg, context))
    if reference.kind == "folder":
        return (yield from _folder(reference, settings, context))
    return (yield from _archive(reference, settings, context))


def _archive(reference: Reference, settings: tuple[tuple[str, str], ...], context: BuildContext) -> Steps:
    key = REFERENCES.key(
        _digest(reference.url, *_algorithms(reference), reference.subdirectory, *map("=".join, settings))
    )
    fresh, stored = _decoded(context.read_derived(key))
    local = reference.url.startswith("file:")
    if (
        stored is not None
        and not local
        and decide(fresh, context.now, refresh=context.refresh, offline=context.offline) == SERVE
    ):
        return _project(reference, stored)
    if context.offline and not local:
        raise Offline(f"{reference.url}: not in the mirror, and offline")
    headers = conditional_headers(fresh) if fresh is not None and stored is not None else ()
    exchange: Exchange = yield Request(reference.url, headers, limit=_LIMIT, purpose=Purpose.DIRECT)
    if fresh is not None and stored is not None and (exchange.status == 304 or exchange.stale):
        context.write_derived(key, _encoded(list(revalidated(fresh, exchange.headers, context.now)), stored))
        return _project(reference, stored)
    body = _body(exchange, reference)
    file = {
        "filename": reference.filename, "url": reference.url, "size": len(body),
        "hashes": {name: hashlib.new(name, body, usedforsecurity=False).hexdigest() for name in _algorithms(reference)},
    }  # fmt: skip
    _check(reference, body)
    metadata = yield from _archive_metadata(reference, body, settings, context)
    record = _record(file, metadata)
    if not local:
        context.write_derived(key, _encoded(list(from_headers(exchange.headers, context.now)), record))
    return _project(reference, record)


def _archive_metadata(
    reference: Reference, body: bytes, settings: tuple[tuple[str, str], ...], context: BuildContext
) -> Generator[Request | Work, Any, CoreMetadata]:
    if reference.filename.lower().endswith(".whl"):
        return parse_core_metadata(wheel_metadata(body, reference.filename), reference.filename)
    archive = BytesIO(body)
    stated = static_metadata(archive, reference.filename) if not reference.subdirectory and body[:2] else None
    if stated is not None and stated.version:
        return stated
    tree = SourceTree("", reference.url, archive=archive, subdirectory=reference.subdirectory, config_settings=settings)
    return (yield from _built(_source(hashlib.sha256(body).hexdigest(), reference, settings), tree, context))


def _repository(reference: Reference, settings: tuple[tuple[str, str], ...], egg: str, context: BuildContext) -> Steps:
    asked = REFERENCES.key(_digest("git", reference.url, reference.revision or ""))
    commit = (context.read_derived(asked) or b"").decode()
    if not commit or not (context.offline or commit == reference.revision):
        if context.offline:
            raise Offline(f"{reference.label}: not in the mirror, and offline")
        url, revision = reference.url, reference.revision
        commit = (yield Work(reference.label, lambda: context.git.commit_of(url, revision).encode())).decode()
        context.write_derived(asked, commit.encode())
    key = REFERENCES.key(_digest("commit", reference.url, commit, reference.subdirectory, *map("=".join, settings)))
    _, stored = _decoded(context.read_derived(key))
    if stored is None:
        if context.offline:
            raise Offline(f"{reference.label}: its metadata is not in the mirror, and offline")
        folder = (yield Work(reference.label, lambda: context.git.checkout(reference.url, commit).encode())).decode()
        metadata = yield from _tree_metadata("git-" + commit, _tree(folder, reference, settings), reference, context)
        stored = _record(None, metadata)
        context.write_derived(key, _encoded(None, stored))
    metadata = _metadata(stored)
    return DirectProject(metadata, pinned(reference, commit, egg), None)


def _folder(reference: Reference, settings: tuple[tuple[str, str], ...], context: BuildContext) -> Steps:
    folder = path_of(reference.url)
    digest = hashlib.sha256(folder.encode())
    exists = False
    inner = f"{folder}/{reference.subdirectory}" if reference.subdirectory else folder
    for name in _DECIDING:
        exchange: Exchange = yield Request(f"{_url(inner)}/{name}")
        digest.update(b"\0" + exchange.body)
        exists = exists or (exchange.status == 200)
    if not exists:
        raise NoSuchPath(f"{reference.url}: there is no project, neither pyproject.toml nor setup.py; {_CHECK_PATH}")
    tree = _tree(folder, reference, settings)._replace(environ=_WITHOUT_ITS_LOCK)
    metadata = yield from _tree_metadata("folder-" + digest.hexdigest(), tree, reference, context)
    return DirectProject(metadata, pinned(reference), None)


def _tree(folder: str, reference: Reference, settings: tuple[tuple[str, str], ...]) -> SourceTree:
    return SourceTree("", reference.label, folder=folder, subdirectory=reference.subdirectory, config_settings=settings)


def _tree_metadata(
    source: str, tree: SourceTree, reference: Reference, context: BuildContext
) -> Generator[Request | Work, Any, CoreMetadata]:
    inner = f"{tree.folder}/{tree.subdirectory}" if tree.subdirectory else tree.folder
    exchange: Exchange = yield Request(f"{_url(inner)}/pyproject.toml")
    stated = project_metadata(exchange.body) if exchange.status == 200 else None
    if stated is not None and stated.version:
        return stated
    return (yield from _built(_source(source, reference, tree.config_settings), tree, context))


def _built(source: str, tree: SourceTree, context: BuildContext) -> Generator[Request | Work, Any, CoreMetadata]:
    metadata = context.builds.built_metadata(source)
    if metadata is not None:
        return metadata
    return (yield from context.builds.steps(source, tree))


def _body(exchange: Exchange, reference: Reference) -> bytes:
    if exchange.status in (404, 410):
        if reference.url.startswith("file:"):
            raise NoSuchPath(f"{reference.url}: there is no such file; {_CHECK_PATH}")
        raise NotFound(f"{reference.url}: there is no such file")
    if exchange.problem is not None or exchange.status != 200:
        raise Unreachable(f"{reference.url}: {exchange.problem or f'the server answered {exchange.status}'}")
    return exchange.body


def _check(reference: Reference, body: bytes) -> None:
    """Raise ``Integrity`` unless the body has one of the hashes of the reference."""
    if reference.hashes and not any(
        hashlib.new(algorithm, body, usedforsecurity=False).hexdigest() == wanted
        for algorithm, wanted in reference.hashes
    ):
        raise Integrity(f"{reference.url}: it has none of the hashes that were asked for")


def _algorithms(reference: Reference) -> list[str]:
    return sorted({"sha256", *[algorithm for algorithm, _ in reference.hashes]})


def _project(reference: Reference, stored: list[Any]) -> DirectProject:
    file = stored[0]
    given = set(dict(file["hashes"]).items())
    if reference.hashes and not given & set(reference.hashes):
        raise Integrity(f"{reference.url}: it has none of the hashes that were asked for")
    return DirectProject(_metadata(stored), pinned(reference), file)


def _record(file: dict[str, Any] | None, metadata: CoreMetadata) -> list[Any]:
    return [
        file, list(metadata[:3]), list(metadata.requires_dist), metadata.requires_python, list(metadata.licence),
    ]  # fmt: skip


def _metadata(stored: list[Any]) -> CoreMetadata:
    (name, version, kind), requires, python = stored[1], stored[2], stored[3]
    expression, text, classifiers = stored[4] if len(stored) > 4 else ("", "", ())
    licence = StatedLicence(str(expression), str(text), tuple(map(str, classifiers)))
    return CoreMetadata(name, version, kind, tuple(requires), python, licence=licence)


def _encoded(fresh: list[Any] | None, stored: list[Any]) -> bytes:
    return json.dumps([fresh, stored]).encode()


def _decoded(data: bytes | None) -> tuple[Any, list[Any] | None]:
    try:
        match json.loads(data or b"null"):
            case [fresh, [_, [str(), str(), str()], list(), _, *_] as stored]:
                return from_json(fresh), stored
    except ValueError:
        return None, None
    return None, None


def _source(start: str, reference: Reference, settings: tuple[tuple[str, str], ...]) -> str:
    """Return the key of a build: the same source with other settings is another build."""
    if not (reference.subdirectory or settings):
        return start
    return f"{start}-{_digest(reference.subdirectory, *map('='.join, settings))[:12]}"


def _digest(*texts: str) -> str:
    return hashlib.blake2s("\n".join(texts).encode(), digest_size=16).hexdigest()


def _url(folder: str) -> str:
    from mirror.urls import url_of  # loaded already

    return url_of(folder)
