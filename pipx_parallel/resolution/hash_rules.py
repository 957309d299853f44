"""Which files ``--hash`` allows: with hashes on its line, a requirement is met by these files and no others (as pip)."""

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
    """What a project must be for its releases to be narrowed to the files that hashes allow."""

    project: Project
    usable: int  # releases the target can install, shifted by one as the solver counts
    allowed: dict[int, frozenset[int]]  # release -> the variants that are left of it

    def file_kind_of(self, release: int) -> int | None:
        """Return the variant that stands for a release; None: nothing to install."""


class HashRules:
    """The hashes that the user's lines name, project by project.

    A file passes if its index promises one of them: a file whose hash is of another kind (an index that says sha256, a
    line that says sha512) cannot be told to be the one that was meant, and does not pass.
    """

    __slots__ = ("_allowed",)

    def __init__(self, rows: Iterable[RootRequirement]) -> None:
        """Take requirements and constraints; of two lines for one project only the hashes that both name count (as pip)."""
        self._allowed: dict[str, frozenset[str]] = {}
        for row in rows:
            if row.hashes:
                given = frozenset(row.hashes)
                self._allowed[row.name] = self._allowed.get(row.name, given) & given

    def __contains__(self, name: str) -> bool:
        """Return whether any line names hashes for a project."""
        return name in self._allowed

    def allows(self, name: str, file: DistFile) -> bool:
        """Return whether a file of a project may be installed."""
        allowed = self._allowed.get(name)
        return allowed is None or any(f"{kind}:{digest}" in allowed for kind, digest in file.hashes)

    def among(self, name: str, files: Sequence[DistFile]) -> Sequence[DistFile]:
        """Return the files of a release that are allowed; all of them, unread, where no line names a hash."""
        return tuple([file for file in files if self.allows(name, file)]) if name in self._allowed else files

    def narrowed(self, candidate: Narrowed, mask: int, files_of: Callable[[int], Iterable[DistFile]]) -> int:
        """Return the releases of ``mask`` that have an allowed file which the target can install, as the solver counts.

        What is left of each is noted in the candidate. Reads the files of every release of the mask: with hashes, lines
        pin one.
        """
        view = candidate.project.view
        kept = 0
        for bit in bits_of(mask & candidate.usable):
            release = release_of(bit)
            candidate.project.classify(release)
            candidate.allowed[release] = self._file_kinds(view.name, view.file_kinds, files_of(release))
            kept |= (candidate.file_kind_of(release) is not None) << bit
        return kept

    def _file_kinds(self, name: str, known: Sequence[FileKind], files: Iterable[DistFile]) -> frozenset[int]:
        """Return the numbers of the kinds of files, among ``known``, that the allowed files of a release are of."""
        kinds = set()
        for file in files:
            split = split_filename(file.filename, name)
            if split is not None and self.allows(name, file):
                kinds.add((split[1], file.requires_python or None, file.yanked is not None))
        return frozenset([number for number, row in enumerate(known) if tuple(row) in kinds])


def refuse_unhashed(inputs: Inputs, resolutions: Iterable[Resolution]) -> None:
    """Raise ``RequirementsError`` naming every pin without a hash in the inputs, if these have a line ``--require-hashes``.

    A ``--hash`` on a line counts for that line alone: lists are layered on locks that have hashes (``-r base.txt``), and the
    new lock has a hash for everything again. pip asks for all of them, because it installs from the file.
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
    """Raise ``NoSolution`` naming every pin with a file that no hash is known for."""
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
    """Return how the user knows a pin."""
    return f"{pin.name} {pin.version} ({line.origin if line is not None else 'which others need'})"
