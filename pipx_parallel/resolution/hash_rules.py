"""Apply ``--hash``: a requirement with hashes on its line allows only the files with these hashes, as in pip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from mirror.records.filenames import split_filename
from pipx_parallel.errors import NoSolution, RequirementsError
from pipx_parallel.resolver.masks import bits_of, release_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mirror.records.model import DistFile, FileKind
    from mirror.records.project import Project
    from pipx_parallel.model import Inputs, Pin, Resolution, RootRequirement


class Narrowed(Protocol):
    """A project whose releases can be limited to the files that hashes allow."""

    project: Project
    allowed: dict[int, frozenset[int]]  # release -> its allowed file kinds

    @property
    def usable(self) -> int:
        """Return the releases that the target can install, a mask of the solver."""
        ...

    def file_kind_of(self, release: int) -> int | None:
        """Return the file kind of a release; None if no file can be installed."""
        ...


class HashRules:
    """The hashes in the user's lines, per project.

    A file is allowed if its index states one of them. A file whose index states only another algorithm (sha256, and the line has
    sha512) cannot be compared and is not allowed.
    """

    __slots__ = ("_allowed",)

    def __init__(self, rows: Iterable[RootRequirement]) -> None:
        """Take requirements and constraints; for two lines of one project only the hashes that both have count, as in pip."""
        self._allowed: dict[str, frozenset[str]] = {}
        for row in rows:
            if row.hashes:
                given = frozenset(row.hashes)
                self._allowed[row.name] = self._allowed.get(row.name, given) & given

    def __contains__(self, name: str) -> bool:
        """Return whether a line has hashes for a project."""
        return name in self._allowed

    def allows(self, name: str, file: DistFile) -> bool:
        """Return whether a file of a project may be installed."""
        allowed = self._allowed.get(name)
        return allowed is None or any(f"{kind}:{digest}" in allowed for kind, digest in file.hashes)

    def among(self, name: str, files: Sequence[DistFile]) -> Sequence[DistFile]:
        """Return the allowed files of a release; all of them, not parsed, if no line has a hash for the project."""
        return tuple([file for file in files if self.allows(name, file)]) if name in self._allowed else files

    def narrowed(self, candidate: Narrowed, mask: int, files_of: Callable[[int], Iterable[DistFile]]) -> int:
        """Return the releases of ``mask`` with an allowed file that the target can install, as a mask of the solver.

        Records the allowed file kinds in the candidate. Reads the files of every release of the mask, usually one: a line with
        hashes mostly pins a release.
        """
        view = candidate.project.view
        allowed = 0
        for bit in bits_of(mask & candidate.usable):
            release = release_of(bit)
            candidate.project.classify(release)
            if candidate.project.reference is None:
                kinds = self._file_kinds(view.name, view.file_kinds, files_of(release))
                candidate.allowed[release] = kinds & candidate.allowed.get(release, kinds)  # the policy may allow fewer
            else:  # one file, of any name, with the Requires-Python of its metadata
                is_allowed = any(self.allows(view.name, file) for file in files_of(release))
                candidate.allowed[release] = frozenset(range(len(view.file_kinds)) if is_allowed else ())
            allowed |= (candidate.file_kind_of(release) is not None) << bit
        return allowed

    def _file_kinds(self, name: str, file_kinds: Sequence[FileKind], files: Iterable[DistFile]) -> frozenset[int]:
        """Return the numbers, in ``file_kinds``, of the file kinds of the allowed files of a release."""
        kinds = set()
        for file in files:
            split = split_filename(file.filename, name)
            if split is not None and self.allows(name, file):
                kinds.add((split[1], file.requires_python or None, file.yanked is not None))
        return frozenset([number for number, row in enumerate(file_kinds) if tuple(row) in kinds])


def refuse_unhashed(inputs: Inputs, resolutions: Iterable[Resolution]) -> None:
    """Raise ``RequirementsError`` for the pins without a hash in the inputs, if these have a line ``--require-hashes``.

    Unlike in pip, a ``--hash`` on a line applies to that line only: inputs may include locks with hashes (``-r base.txt``), and
    the new lock has all hashes again. pip requires hashes on all lines, because it installs from the file.
    """
    asked_at = next((option.origin for option in inputs.written if option.name == "--require-hashes"), None)
    if asked_at is None:
        return
    bare: dict[str, None] = {}
    for resolution in resolutions:
        vouched = {row.name: row for row in (*inputs.constraints, *resolution.roots) if row.hashes}
        lines = {root.name: root for root in resolution.roots}
        for pin in resolution.pins:
            if pin.name not in vouched or not pin.installable:
                bare.setdefault(_called(pin, lines.get(pin.name)))
    if bare:
        problem = f"every requirement needs a hash here, but these have none: {', '.join(bare)}"
        remedy = "add their hashes, or remove --require-hashes: the lock has the hashes of all packages in any case"
        raise RequirementsError(asked_at, problem, remedy)


def refuse_uncheckable(resolutions: Iterable[Resolution]) -> None:
    """Raise ``NoSolution`` for the pins with a file without a hash."""
    bare = [
        f"{pin.name} {pin.version}: its index gives no hash of {file.filename}, and --require-hashes asks for one"
        for resolution in resolutions
        for pin in resolution.pins
        for file in pin.installable[:1]
        if not file.hashes
    ]
    if bare:
        raise NoSolution(bare)


def _called(pin: Pin, line: RootRequirement | None) -> str:
    """Return a pin's name, version and origin for a message."""
    return f"{pin.name} {pin.version} ({line.origin if line is not None else 'which others need'})"
