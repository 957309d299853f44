"""Loads the core metadata of one file: selects the file of a release, reads its metadata or builds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mirror.errors import NeedsBuild, NotFound, Offline
from mirror.ports import SourceTree
from mirror.records.filenames import SDIST, build_tag, split_filename
from mirror.records.project import Project

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import BinaryIO

    from mirror.metadata.builds import Builds
    from mirror.metadata.core_metadata import CoreMetadata
    from mirror.metadata.index_facts import IndexFacts
    from mirror.ports import Request, Work
    from mirror.records.model import DistFile
    from mirror.session.parts import SessionParts
    from mirror.session.release_files import ReleaseFiles


class MetadataLoader:
    """Reads the dependencies of files from the cheapest source; offline from the store and local files only."""

    def __init__(self, parts: SessionParts, files: ReleaseFiles) -> None:
        """Read nothing yet."""
        self._parts = parts
        self._files = files
        self._builder = parts.builder
        self._offline = parts.settings.offline
        self._refresh = parts.settings.refresh
        # Those that may have to be built later in the run; a large one is a file on disk.
        self._archives: dict[str, BinaryIO] = {}

    def find(
        self, project: Project, release: int, file_kind: int, *, build: bool = False
    ) -> Generator[Request | Work, Any, CoreMetadata]:
        """Read the dependencies of one file (release, file kind); with ``build`` build it if it has no static metadata.

        The files of the release must be available.

        Raises:
            NeedsBuild: Only a build can tell the dependencies, and ``build`` is False.
            BuildFailed: The build failed, in this run or an earlier one.
            MirrorError: The metadata is not available.
        """
        view = project.view
        version = view.versions[release]
        local = not project.of_index  # whether it can be read depends on the file, see below
        sdist = view.file_kinds[file_kind].tags == SDIST
        if self._offline and not local and not sdist:
            raise Offline(f"{view.name} {version}: its dependencies are {self._parts.lacks()}")
        from mirror.metadata.builds import source_of  # 6 ms; a warm lock does not need it

        file = self._file_of(project, release, file_kind)
        source, builds = source_of(file), self.builds()
        linked = local and not file.url.startswith("file:")
        metadata = (builds.built_metadata(source) if sdist else None) or (builds.read(source) if linked else None)
        if metadata is not None:
            return metadata
        tree = SourceTree(view.name, file.filename, version=version, uploaded=file.upload_time or "")
        failed = builds.failure(source, tree) if sdist and not self._refresh else None
        if failed is not None:
            raise failed
        if self._offline and not file.url.startswith("file:"):
            raise Offline(f"{view.name} {version}: its dependencies are {self._parts.lacks()}")
        facts = self._parts.write_buffer.facts_of(project.index_id)
        metadata = yield from self._read(file, facts, source, tree, build=build)
        if linked and not metadata.built:
            builds.write(source, metadata)
        return metadata

    def _read(
        self, file: DistFile, facts: IndexFacts, source: str, tree: SourceTree, *, build: bool
    ) -> Generator[Request | Work, Any, CoreMetadata]:
        """Read a file's metadata, or build it. An archive that needs a build is stored until the build is requested."""
        from mirror.metadata.strategies import read_metadata  # as above

        archive = self._archives.pop(source, None) if build else None
        if archive is None:
            try:
                metadata = yield from read_metadata(file, facts)
            except NeedsBuild as error:
                archive = error.archive
            else:
                if metadata.refused_source is not None:
                    self._parts.reporter.warn(f"{metadata.refused_source}; the file itself was read instead")
                return metadata
            if archive is not None and not build and self.can_build:
                if source in self._archives:
                    self._archives.pop(source).close()
                self._archives[source] = archive
                raise NeedsBuild(f"{file.filename} has no static metadata: only its build backend knows what it needs")
        try:
            return (yield from self.builds().steps(source, tree._replace(archive=archive), stores_failure=True))
        finally:
            if archive is not None:
                archive.close()

    @property
    def can_build(self) -> bool:
        """Return whether builds are allowed."""
        return self._builder is not None and self._builder.allowed

    def builds(self) -> Builds:
        """Return the stored builds, and the steps of new ones."""
        from mirror.metadata.builds import BuildParts, Builds  # few locks need a build

        parts = self._parts
        return Builds(
            BuildParts(
                store=parts.store,
                builder=self._builder,
                read=parts.write_buffer.read_record,
                write=parts.write_buffer.write_record,
                observer=parts.reporter.observer,
                clock=parts.clock,
                done=parts.results.builds,
            )
        )

    def close(self) -> None:
        """Close the archives that were not built."""
        while self._archives:
            self._archives.popitem()[1].close()

    def disable_builds(self) -> None:
        """Allow no more builds."""
        self._builder = None

    def _file_of(self, project: Project, release: int, file_kind: int) -> DistFile:
        """Return the file of a file kind in a release; of several wheels the one with the highest build tag, as pip."""
        view = project.view
        tags, python, yanked = view.file_kinds[file_kind]
        exact: list[DistFile] = []
        fallback = None
        files = self._files.read(project, release)
        for position, filename in enumerate(files.names()):
            split = split_filename(filename, view.name)
            if split is not None and split[1] == tags:
                file = files[position]
                if file.requires_python == python and (file.yanked is not None) == yanked:
                    exact.append(file)
                fallback = fallback or file
        if exact:
            return max(exact, key=lambda file: build_tag(file.filename)) if len(exact) > 1 else exact[0]
        if fallback is None:
            raise NotFound(f"{view.name} {view.versions[release]}: its index lists no file for {tags}")
        return fallback
