"""Metadata that only a build backend can give: built once for a source and a machine, then stored (also for offline use)."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.errors import BuildFailed, BuildProblem, Malformed, NeedsBuild
from mirror.keys import BUILDS, FAILED_BUILDS, LINKED_FILES
from mirror.metadata.core_metadata import parse_core_metadata, to_text
from mirror.ports import Work
from mirror.records.model import BuildOutcome, BuildRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from mirror.metadata.core_metadata import CoreMetadata
    from mirror.ports import Builder, MirrorObserver, SourceTree, Store
    from mirror.records.model import DistFile


# Seconds after which a failed build is tried again if its requirements could not be installed or it took too long.
_RETRY = 24 * 3600
_PASSING = (BuildProblem.REQUIREMENTS, BuildProblem.TIMEOUT)
_OF_THIS_RUN = (BuildProblem.CANCELLED, BuildProblem.POLICY)  # another run may have other settings


class BuildParts(NamedTuple):
    """The parts of a session that builds use: ``read`` and ``write`` a record of the store; ``done`` collects the builds."""

    store: Store
    builder: Builder | None  # None if builds are not allowed
    read: Callable[[str], bytes | None]
    write: Callable[[str, bytes], None]
    observer: MirrorObserver
    clock: Callable[[], float]
    done: list[BuildRecord]


class Builds:
    """Stored metadata of builds, stored failures, and new builds."""

    def __init__(self, parts: BuildParts) -> None:
        """Store the parts; nothing is read yet."""
        self._parts = parts

    @property
    def _fingerprint(self) -> str:
        """Return what of this machine a build may depend on; found anew each time, so not for every wheel that is read."""
        return self._parts.builder.fingerprint if self._parts.builder is not None else ""

    def built_metadata(self, source: str) -> CoreMetadata | None:
        """Return the metadata of a source (``source_of``) from an earlier build on this machine, or None.

        Without a builder, metadata built on any machine is used: the first by key.
        """
        if self._fingerprint:
            key = BUILDS.key(source, self._fingerprint)
        else:
            key = next((stored_key for stored_key, _ in self._parts.store.scan(BUILDS.key(source, ""))), "")
        data = self._parts.read(key) if key else None
        if data is None:
            return None
        try:
            return parse_core_metadata(data)._replace(built=True)
        except Malformed:
            return None  # damaged: it is built again

    def read(self, source: str) -> CoreMetadata | None:
        """Return the metadata of a file of a find-links page, or None: such files belong to no project's record."""
        data = self._parts.read(LINKED_FILES.key(source))
        try:
            return None if data is None else parse_core_metadata(data)
        except Malformed:
            return None  # damaged: it is read again

    def write(self, source: str, metadata: CoreMetadata) -> None:
        """Store the metadata of a file of a find-links page."""
        self._parts.write(LINKED_FILES.key(source), to_text(metadata))

    def failure(self, source: str, tree: SourceTree) -> BuildFailed | None:
        """Return the failure of an earlier build of a source on this machine; None if a build may be tried."""
        key = FAILED_BUILDS.key(source, self._fingerprint)
        data = self._parts.read(key) if self._fingerprint else None
        failed = None if data is None else _decoded(data, self._parts.clock())
        if failed is not None:
            self._note(tree, BuildOutcome.FAILED_BEFORE, failed.reason)
        return failed

    def steps(
        self, source: str, tree: SourceTree, *, stores_failure: bool = False
    ) -> Generator[Work, bytes, CoreMetadata]:
        """Build a tree and store its metadata, or its failure if ``stores_failure``.

        Raises:
            BuildFailed: The backend gave no metadata.
            NeedsBuild: Builds are not allowed.
            Malformed: The metadata cannot be read.
        """
        builder = self._parts.builder
        if builder is None:
            raise NeedsBuild(f"{tree.label} has no static metadata, and building is not allowed here")
        label = f"{tree.name} {tree.version}" if tree.version else tree.label
        if builder.allowed:
            self._parts.observer.building(label)
        try:
            body = yield Work(f"build of {tree.label}", lambda: builder.build(tree))
            metadata = parse_core_metadata(body, f"metadata built of {tree.label}")
        except BuildFailed as error:
            self._note(tree, BuildOutcome.FAILED, error.reason)
            if stores_failure and error.problem not in _OF_THIS_RUN:
                self._parts.write(FAILED_BUILDS.key(source, self._fingerprint), _encoded(error, self._parts.clock()))
            raise
        finally:
            self._parts.observer.built(label)
        self._note(tree, BuildOutcome.BUILT, None)
        head = body.replace(b"\r\n", b"\n").partition(b"\n\n")[0] + b"\n\n"
        self._parts.write(BUILDS.key(source, self._fingerprint), head)
        return metadata._replace(built=True)

    def _note(self, tree: SourceTree, outcome: BuildOutcome, reason: str | None) -> None:
        record = BuildRecord(tree.name or tree.label, tree.version, outcome, reason)
        if record not in self._parts.done:
            self._parts.done.append(record)


def _encoded(error: BuildFailed, now: float) -> bytes:
    """Return the stored form of a failed build (docs/mirror-format.md)."""
    value = {
        "at": int(now),
        "problem": error.problem.value,
        "reason": error.reason,
        "log": error.log,
        "path": error.path,
    }
    return json.dumps(value).encode()


def _decoded(data: bytes, now: float) -> BuildFailed | None:
    """Return a stored failure; None if it is old enough to try again, or damaged."""
    try:
        match json.loads(data):
            case {
                "at": int(failed_at),
                "problem": str(kind),
                "reason": str(reason),
                "log": list(log),
                "path": str(path),
            }:
                problem = BuildProblem(kind)
                if problem in _PASSING and now - failed_at > _RETRY:
                    return None
                return BuildFailed(reason, problem, log=[str(line) for line in log], path=path)
    except ValueError:
        return None
    return None


def source_of(file: DistFile) -> str:
    """Return the name under which builds of a file are stored: its SHA-256, or a digest of its URL if it has none."""
    digest = dict(file.hashes).get("sha256")
    return digest or "url-" + hashlib.blake2s(file.url.encode(), digest_size=16).hexdigest()
