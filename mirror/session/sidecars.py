"""METADATA of wheels, byte for byte, which a server offers as sidecars (PEP 658): stored by filename, fetched if missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mirror.errors import NotFound
from mirror.metadata.strategies import read_metadata

if TYPE_CHECKING:
    from collections.abc import Generator

    from mirror.metadata.core_metadata import FileText
    from mirror.ports import Request, Work
    from mirror.records.model import DistFile, FetchFailure
    from mirror.records.project import Project
    from mirror.session.parts import SessionParts


class Sidecars:
    """Reads METADATA of single wheels; that of another wheel of the release is never used instead."""

    def __init__(self, parts: SessionParts) -> None:
        """Read nothing yet."""
        self._parts = parts

    def read(self, project: Project, filename: str) -> bytes | None:
        """Return METADATA of a wheel if the mirror has it, else None; never sends a request."""
        for part in project.sources():
            if filename in part.new_texts:
                return part.new_texts[filename]
            texts = self._parts.write_buffer.texts_of(part)
            if filename in texts:
                return texts[filename]
        return None

    def failure(self, project: Project, filename: str) -> FetchFailure | None:
        """Return why METADATA of a wheel could not be fetched, or None."""
        return self._parts.results.failed_texts.get((project.view.name, filename))

    def want(self, project: Project, release: int, file: DistFile) -> None:
        """Fetch METADATA of a wheel, unless that is under way, for a sidecar or for its dependencies."""
        view, fetcher = project.view, self._parts.fetcher
        kinds = range(len(view.file_kinds))
        if any(fetcher.is_pending(f"d/{view.name}/{release}/{kind}") for kind in kinds):
            return
        key = f"t/{view.name}/{file.filename}"
        if fetcher.is_pending(key):
            return

        def deliver(wheel: FileText | None, error: Exception | None) -> None:
            if wheel is not None:
                project.add_text(release, *wheel)
                self._parts.results.ripe.append(project)
                return
            failure = self._parts.reporter.failure(view.name, view.versions[release], error)
            self._parts.results.failed_texts[view.name, file.filename] = failure

        fetcher.submit(key, self._steps(project, file), deliver)

    def _steps(self, project: Project, file: DistFile) -> Generator[Request | Work, Any, FileText]:
        metadata = yield from read_metadata(file, self._parts.write_buffer.facts_of(project.index_id))
        if metadata.text is None or not file.filename.endswith(".whl"):
            raise NotFound(f"{file.filename}: only wheels have METADATA of their own")
        return metadata.text
