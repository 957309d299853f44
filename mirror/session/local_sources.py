"""Sources beside HTTP indexes: find-links folders and pages, and ``file:`` indexes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.errors import MirrorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from mirror.keys import SimpleIndex
    from mirror.records.project import Project
    from mirror.session.local_index import FileSet

_WEB = ("http://", "https://")


class LocalSources:
    """Projects of find-links locations and ``file:`` indexes. A missing location causes one warning, as in pip."""

    def __init__(self, find_links: Iterable[str], warn: Callable[[str], None]) -> None:
        """Read nothing yet."""
        self._locations = tuple(find_links)
        self._warn = warn
        self._sets: dict[str, FileSet | None] = {}
        self._times: dict[str, int] = {}  # folder -> when its list of files last changed

    def pages(self) -> list[str]:
        """Return the pages on the web that have not been read."""
        return [location for location in self._locations if location.startswith(_WEB) and location not in self._sets]

    def add_page(self, url: str, entries: list[dict[str, Any]], base: str) -> None:
        """Add the files of a page on the web; ``base`` is the base of their relative URLs."""
        from mirror.session.local_index import FileSet  # only if there are find-links

        self._sets[url] = FileSet(entries, base)

    def lose_page(self, url: str, error: Exception | None) -> None:
        """Continue without a page, with a warning."""
        self._sets[url] = None
        self._warn(f"{error}; going on without it" if isinstance(error, MirrorError) else f"{url}: {error!r}")

    def linked(self, name: str) -> list[Project]:
        """Return the project of each find-links location that has it, in order."""
        from mirror.keys import simple_index  # loads hashlib: only if there are find-links

        projects = []
        for location in self._locations:
            files = self._read(location)
            project = files.project(name, "links-" + simple_index(location).id, "") if files is not None else None
            if project is not None:
                projects.append(project)
        return projects

    def local(self, index: SimpleIndex, name: str) -> Project | None:
        """Return a project of a ``file:`` index, or None."""
        from mirror.session.local_index import read_project  # only if an index is a folder

        try:
            return read_project(index.url, name, index.id)
        except (OSError, MirrorError) as error:
            self._warn(f"the index {index.url} is skipped: {getattr(error, 'strerror', None) or error}")
            return None

    def _read(self, location: str) -> FileSet | None:
        if location.startswith(_WEB):
            return self._sets.get(location)
        from mirror.session.local_index import changed_at, read_location  # only if there are find-links

        changed = changed_at(location)  # a server lives long enough to see its folders change
        if location not in self._sets or self._times.get(location) != changed:
            self._times[location] = changed
            try:
                self._sets[location] = read_location(location)
            except (OSError, ValueError) as error:
                self._sets[location] = None
                self._warn(
                    f"the find-links location {location} is skipped: {getattr(error, 'strerror', None) or error}"
                )
        return self._sets[location]
