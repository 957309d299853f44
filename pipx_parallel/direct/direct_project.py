"""A direct reference as the resolver sees it: a project with exactly one release, whose dependencies are known."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mirror.errors import Malformed
from mirror.names import normalize_name
from mirror.records.dependency_sets import DependencySet
from mirror.records.filenames import SDIST, split_filename
from mirror.records.freshness import FreshnessRecord
from mirror.records.listing_views import prerelease_mask
from mirror.records.model import FileKind
from mirror.records.project import Project
from mirror.records.release_view import ReleaseView
from mirror.records.version_keys import normalised_version, version_key

if TYPE_CHECKING:
    from mirror.metadata.core_metadata import CoreMetadata


class DirectProject(Project):
    """The release of a direct reference; never stored under the name of a project."""

    __slots__ = ("_file", "reference", "stated_licence")
    of_index = False

    def __init__(self, metadata: CoreMetadata, url: str, file: dict[str, Any] | None) -> None:
        """``url`` is the pinned reference; ``file`` the file object of an archive (PEP 691). Raises ``Malformed``."""
        name = normalize_name(metadata.name)
        key = version_key(metadata.version)
        if key is None:
            raise Malformed(f"{url}: its version {metadata.version!r} is none (PEP 440)")
        split = split_filename(file["filename"], name) if file is not None else None
        tags = split[1] if split is not None else SDIST
        view = ReleaseView(
            name=name,
            digest="direct",
            freshness=FreshnessRecord(0.0, 1e12),
            versions=[normalised_version(metadata.version)],
            keys=[key],
            prereleases=prerelease_mask([key]),
            classified=0,
            file_kinds=[FileKind(tags, metadata.requires_python)],
            kind_sets={(0,): 1},
            uploads_text=["0"],
        )
        view.learn(0, 0, DependencySet(metadata.requires_dist, metadata.requires_python))
        super().__init__(view, "direct", "", url)
        self.reference: str = url
        self.stated_licence = metadata.licence
        self._file = file

    def parts(self) -> tuple[Project, ...]:
        """Return nothing: what is kept of it is kept by reference."""
        return ()

    def file_slice(self, release: int) -> bytes | None:  # noqa: ARG002 - there is one
        """Return the archive's file object; a repository and a folder have none."""
        return json.dumps([] if self._file is None else [self._file]).encode()
