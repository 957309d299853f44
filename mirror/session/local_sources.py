"""The places beside the Simple API that a mirror looks in: find-links folders and pages, and ``file:`` indexes."""

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


class Places:
    """What find-links places and ``file:`` indexes have. A place that is not there is warned of once, as in pip."""

    def __init__(self, find_links: Iterable[str], warn: Callable[[str], None]) -> None:
        """Read nothing yet: a run that asks for no project looks nowhere."""
        self._places = tuple(find_links)
        self._warn = warn
        self._sets: dict[str, FileSet | None] = {}

    def pages(self) -> list[str]:
        """Return the pages on the web that have not been read."""
        return [place for place in self._places if place.startswith(_WEB) and place not in self._sets]

    def add_page(self, place: str, entries: list[dict[str, Any]], base: str) -> None:
        """Take what a page on the web lists."""
        from mirror.session.local_index import FileSet  # here and below: only where there are such places

        self._sets[place] = FileSet(entries, base)

    def lose_page(self, place: str, error: Exception | None) -> None:
        """Go on without a page, and say so."""
        self._sets[place] = None
        self._warn(f"{error}; going on without it" if isinstance(error, MirrorError) else f"{place}: {error!r}")

    def linked(self, name: str) -> list[Project]:
        """Return a project as each find-links place has it, where it has it, in order."""
        from mirror.keys import simple_index  # hashing: not before there is a place

        found = []
        for place in self._places:
            files = self._read(place)
            project = files.project(name, "links-" + simple_index(place).id, "") if files is not None else None
            if project is not None:
                found.append(project)
        return found

    def local(self, index: SimpleIndex, name: str) -> Project | None:
        """Return a project of a ``file:`` index, or None."""
        from mirror.session.local_index import read_project  # only where an index is a folder

        try:
            return read_project(index.url, name, index.id)
        except (OSError, MirrorError) as error:
            self._warn(f"the index {index.url} is passed over: {getattr(error, 'strerror', None) or error}")
            return None

    def _read(self, place: str) -> FileSet | None:
        if place not in self._sets:
            from mirror.session.local_index import read_place  # only where there are such places

            try:
                self._sets[place] = read_place(place)
            except (OSError, ValueError) as error:
                self._sets[place] = None
                self._warn(f"find-links place {place} is passed over: {getattr(error, 'strerror', None) or error}")
        return self._sets[place]
