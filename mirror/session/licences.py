"""Reads the licences of releases from METADATA that the mirror has, and fetches what it lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import MirrorError
from mirror.metadata.builds import source_of
from mirror.metadata.strategies import read_metadata
from mirror.records.filenames import split_filename
from mirror.records.licences import read_licence
from mirror.records.version_keys import version_key

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
    from typing import Any

    from mirror.metadata.builds import Builds
    from mirror.metadata.core_metadata import CoreMetadata
    from mirror.ports import Request, Work
    from mirror.records.licences import StatedLicence
    from mirror.records.model import DistFile
    from mirror.records.project import Project
    from mirror.session.parts import SessionParts


class LicenceReader:
    """Reads METADATA of any file of a release: the files of a release state the same licence."""

    def __init__(self, parts: SessionParts, builds: Builds) -> None:
        """Read nothing yet."""
        self._parts = parts
        self._builds = builds

    def read(
        self,
        rows: Sequence[tuple[Project, int]],
        run: Callable[[Mapping[str, Generator[Request | Work, Any, Any]]], dict[str, Any]],
    ) -> list[str | None]:
        """Return the licences of releases; ``run`` runs steps concurrently."""
        self._parts.write_buffer.flush()  # METADATA of this run may be on its way to the store
        stated = [self._stored(project, release) for project, release in rows]
        lacking = {
            f"licence/{number}": (project, release)
            for number, (project, release) in enumerate(rows)
            if stated[number] is None and not self._parts.settings.offline
        }
        fetched = run({key: self._fetched(*row) for key, row in lacking.items()}) if lacking else {}
        for key, (project, release) in lacking.items():
            metadata: CoreMetadata | MirrorError = fetched[key]
            if isinstance(metadata, MirrorError):
                continue
            if metadata.text is not None:
                project.add_text(release, *metadata.text)
            stated[int(key.rpartition("/")[2])] = metadata.licence
        return [None if row is None else row.spdx() for row in stated]

    def _stored(self, project: Project, release: int) -> StatedLicence | None:
        if project.stated_licence is not None:
            return project.stated_licence
        view = project.view
        for part in project.sources():
            key = view.keys[release]
            text = _text_of(key, part.new_texts, view.name) or _text_of(
                key, self._parts.write_buffer.texts_of(part), view.name
            )
            if text is not None:
                return read_licence(text)
        for file in self._files(project, release):
            source = source_of(file)
            metadata = self._builds.built_metadata(source) or self._builds.read(source)
            if metadata is not None:
                return metadata.licence
        return None

    def _files(self, project: Project, release: int) -> Iterable[DistFile]:
        from mirror.records.simple_file import FileList  # as in ``ReleaseFiles``

        try:
            entries = project.file_slice(release)
        except MirrorError:
            return ()
        return () if entries is None else FileList(entries, project.page_url)

    def _fetched(self, project: Project, release: int) -> Generator[Request | Work, Any, CoreMetadata]:
        """Read METADATA of a wheel, of a source archive if there is no wheel. Raises ``MirrorError``."""
        files = sorted(self._files(project, release), key=lambda file: not file.filename.endswith(".whl"))
        if not files:
            raise project.no_files(release)
        return (yield from read_metadata(files[0], self._parts.write_buffer.facts_of(project.index_id)))


def _text_of(key: str, texts: Mapping[str, bytes], name: str) -> bytes | None:
    for filename, text in texts.items():
        split = split_filename(filename, name)
        if split is not None and version_key(split[0]) == key:
            return text
    return None
