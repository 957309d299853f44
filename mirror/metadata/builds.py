"""Metadata that only a build backend can give: built once for a source and a machine, then kept (offline included)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from mirror.errors import Malformed, NeedsBuild
from mirror.keys import BUILDS, LINKED_FILES
from mirror.metadata.core_metadata import parse_core_metadata, to_text
from mirror.ports import SourceTree, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from mirror.metadata.core_metadata import CoreMetadata
    from mirror.ports import Builder, Store
    from mirror.records.model import DistFile


class Builds:
    """What was built before, and the way to build what was not."""

    def __init__(self, store: Store, builder: Builder | None, keep: Callable[[str, bytes], None]) -> None:
        """``keep`` takes a key and a value that the store is to have; ``builder`` is None where nothing may be built."""
        self._store = store
        self._builder = builder
        self._keep = keep
        self._fingerprint = builder.fingerprint if builder is not None else ""

    def known(self, source: str) -> CoreMetadata | None:
        """Return what a source (``source_of``) was found to need by an earlier build on a machine like this one.

        Without a builder any machine's answer is taken, this is what the mirror has; the first by name of several.
        """
        if self._fingerprint:
            key = BUILDS.key(source, self._fingerprint)
        else:
            key = next((found for found, _ in self._store.scan(BUILDS.key(source, ""))), "")
        data = self._store.get_many((key,)).get(key) if key else None
        if data is None:
            return None
        try:
            return parse_core_metadata(data)._replace(built=True)
        except Malformed:
            return None  # damaged: it is built again

    def read(self, source: str) -> CoreMetadata | None:
        """Return what a file of a find-links page says: such files belong to no project's record."""
        key = LINKED_FILES.key(source)
        data = self._store.get_many((key,)).get(key)
        try:
            return None if data is None else parse_core_metadata(data)
        except Malformed:
            return None  # damaged: it is read again

    def write(self, source: str, metadata: CoreMetadata) -> None:
        """Keep what such a file says."""
        self._keep(LINKED_FILES.key(source), to_text(metadata))

    def steps(self, source: str, tree: SourceTree) -> Generator[Work, bytes, CoreMetadata]:
        """Build a tree and keep what came of it. Raises ``BuildFailed``, ``NeedsBuild``, ``Malformed``."""
        builder = self._builder
        if builder is None:
            raise NeedsBuild(f"{tree.label} has no static metadata, and building is not allowed here")
        body = yield Work(f"build of {tree.label}", lambda: builder.build(tree))
        metadata = parse_core_metadata(body, f"metadata built of {tree.label}")
        head = body.replace(b"\r\n", b"\n").partition(b"\n\n")[0] + b"\n\n"
        self._keep(BUILDS.key(source, self._fingerprint), head)
        return metadata._replace(built=True)


def source_of(file: DistFile) -> str:
    """Return the name under which builds of a file are kept: its SHA-256, or where it is if its index promises none."""
    digest = dict(file.hashes).get("sha256")
    return digest or "url-" + hashlib.blake2s(file.url.encode(), digest_size=16).hexdigest()
