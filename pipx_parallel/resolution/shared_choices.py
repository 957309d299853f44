"""What the searches for several targets share beyond the mirror: the releases chosen so far, and whose metadata was read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.records.filenames import SDIST, VARIANT, is_pure

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from mirror.records.model import Dependency, DistFile, FileKind
    from mirror.records.project import Project
    from mirror.records.release_view import ReleaseView
    from mirror.records.simple_file import FileList
    from pipx_parallel.model import Pin
    from pipx_parallel.resolver.ports import Edge
    from pipx_parallel.targets.rules import Distance

TaggedFile = tuple[int, str, str]  # place in the list, file name, tags

# One of them is in the name of each variable of markers that Python does not decide.
_OF_THE_PLATFORM = ("os", "sys", "platform", "implementation_version")
_PLATFORM = r"(manylinux|musllinux|macosx|linux|win)\d*(?:_\d+_\d+)?_?(.*)"


class Settled(NamedTuple):
    """A release that every target with the same Python can take, and what all of them have of it, by extra."""

    project: Project
    version: str
    bit: int
    edges: dict[str, Sequence[Edge]]
    conditions: dict[str, tuple[Sequence[tuple[str, str]], Sequence[str]]]  # as ``conditions_of`` returns them


class SharedChoices:
    """Releases and metadata that one target passes on to the next."""

    __slots__ = (
        "_edges", "_families", "_files", "_installable", "_kinds", "_pure", "candidates", "made", "pins", "settled",
    )  # fmt: skip

    def __init__(self) -> None:
        """Begin with nothing."""
        self.pins: Mapping[str, Iterable[str]] = {}  # versions, the preferred one first
        # Of projects and releases for any platform, by name (and version), version and implementation of Python.
        self.candidates: dict[tuple[str, ...], object] = {}
        self.settled: dict[tuple[str, ...], Settled] = {}  # by the same
        self.made: dict[tuple[object, ...], Pin] = {}  # pins that are equal for all targets with the same Python
        self._installable: dict[tuple[str, ...], tuple[DistFile, ...]] = {}
        self._kinds: dict[tuple[str, int], dict[str, int]] = {}  # project and release -> platform -> file kind
        self._edges: dict[tuple[object, ...], tuple[Sequence[Dependency], Sequence[Edge]]] = {}
        self._pure: dict[str, tuple[Project, bool]] = {}
        self._families: dict[str, str] = {}
        self._files: dict[tuple[str, int], tuple[FileList, list[TaggedFile]]] = {}

    def metadata_kind(self, name: str, release: int, file_kind: int, tags: str) -> int:
        """Return the file kind whose metadata stands for this wheel's: that of the first wheel of its platform that was read.

        The wheels of one release for one platform differ in the Python that they are for; so each platform's own metadata is
        read, once.
        """
        family = self._families.get(tags)
        if family is None:
            family = self._families[tags] = platform_family(tags)
        return self._kinds.setdefault((name, release), {}).setdefault(family, file_kind)

    def kinds_read(self, name: str, release: int) -> Collection[int]:
        """Return the file kinds of a release whose metadata is read for other targets, the first one first."""
        return self._kinds.get((name, release), {}).values()

    def is_pure(self, project: Project, find: Callable[[], bool]) -> bool:
        """Return what ``find`` does, the first time for a project: whether its wheels are for any platform."""
        row = self._pure.get(project.view.name)
        if row is None or row[0] is not project:
            row = self._pure[project.view.name] = (project, find())
        return row[1]

    def edges(self, of: tuple[str, int, str], wanted: Sequence[Dependency]) -> Sequence[Edge] | None:
        """Return the edges of a release (project, bit, extra) for another target in which the same requirements hold."""
        row = self._edges.get((*of, *map(id, wanted)))
        return None if row is None else row[1]

    def add_edges(self, of: tuple[str, int, str], wanted: Sequence[Dependency], edges: Sequence[Edge]) -> None:
        """Add edges, if everything that they lead to is available: else each target has to note what is not."""
        packages = {edge.package for edge in edges}
        if all(row.name in packages for row in wanted):
            self._edges[(*of, *map(id, wanted))] = (wanted, edges)  # what has these ids must live as long

    def add_settled(self, project: Project, version: str, bit: int, python: tuple[str, str]) -> Settled:
        """Note a release that every target with this Python can take."""
        settled = self.settled[project.view.name, *python] = Settled(project, version, bit, {}, {})
        return settled

    def add_settled_edges(
        self, settled: Settled, extra: str, stated: Sequence[Dependency], wanted: Sequence[Dependency]
    ) -> None:
        """Note the edges of a settled release, if they were added and all that it states holds by its Python alone."""
        markers = [row.marker for row in stated if row.marker]
        edges = self.edges((settled.project.view.name, settled.bit, extra), wanted)
        if edges is not None and not any(word in marker for marker in markers for word in _OF_THE_PLATFORM):
            settled.edges[extra] = edges

    def files(
        self, name: str, release: int, read: Callable[[], tuple[FileList, list[TaggedFile]]]
    ) -> tuple[FileList, list[TaggedFile]]:
        """Return the files of a release, which ``read`` returns the first time."""
        files = self._files.get((name, release))
        if files is None:
            files = self._files[name, release] = read()
        return files

    def installable(
        self, key: tuple[str, ...], tagged: Sequence[TaggedFile], find: Callable[[], tuple[DistFile, ...]]
    ) -> tuple[DistFile, ...]:
        """Return what ``find`` does; for wheels for any platform once for each key, which names release and Python."""
        usable = self._installable.get(key)
        if usable is None:
            usable = find()
            if all(is_pure(tags) for _, _, tags in tagged):
                self._installable[key] = usable
        return usable


def platform_family(tags: str) -> str:
    """Return the platform of a wheel's tags without the versions that it supports: ``macosx arm64``."""
    platform = tags.rsplit("-", 1)[-1]
    match = re.match(_PLATFORM, platform.partition(".")[0])
    return " ".join(match.groups()) if match else platform


def stored_kind(view: ReleaseView, release: int, file_kind: int) -> int:
    """Return a file kind of the same platform whose dependencies are stored; the given one if there is none."""
    family = platform_family(view.file_kinds[file_kind].tags)
    numbers = [
        number
        for number in view.kind_set_of(release)
        if view.dependency_set(release, number) is not None and platform_family(view.file_kinds[number].tags) == family
    ]
    return min(numbers, default=file_kind)


def nearest_wheel(
    view: ReleaseView,
    release: int,
    distance_of: Callable[[FileKind], Distance | None],
    read: Iterable[int],
    *,
    offline: bool,
) -> int | None:
    """Return the file kind of the wheel that is nearest to a target that can install none; None if there is no wheel.

    One for the target's system that is in ``read``, or offline in the mirror, is as good as the nearest.
    """
    kinds = view.file_kinds
    for number in read:
        distance = distance_of(kinds[number])
        if distance is not None and distance.is_near:
            return number
    distances = {
        number: distance
        for number in view.kind_set_of(release)
        if kinds[number].tags not in {SDIST, VARIANT} and (distance := distance_of(kinds[number])) is not None
    }
    nearest = min(distances, key=distances.__getitem__, default=None)
    if not offline or nearest is None or view.dependency_set(release, nearest) is not None:
        return nearest
    stored = (number for number in distances if view.dependency_set(release, number) is not None)
    return next((number for number in stored if distances[number].is_near), nearest)
