"""Apply ``--hash``: a requirement with hashes on its line allows only the files with these hashes, as in pip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.records.filenames import split_filename
from pipx_parallel.errors import NoSolution, RequirementsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mirror.records.model import DistFile, FileKind
    from pipx_parallel.model import Inputs, Pin, Resolution, RootRequirement


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

    def file_kinds(self, name: str, file_kinds: Sequence[FileKind], files: Iterable[DistFile]) -> frozenset[int]:
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
