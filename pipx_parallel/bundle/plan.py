"""Select the files of a bundle: for every target and pin the best file, each once. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from pipx_parallel.errors import NoSolution, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mirror.records.model import DistFile
    from pipx_parallel.model import Pin, Resolution, Target

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]*")  # a file name that is not a path on any system


class RequiredFile(msgspec.Struct, frozen=True):
    """One pin, the file that satisfies it, and the targets it is for.

    ``file`` is None if there is only a tree (a repository, a folder), which can be built but not included.
    """

    pin: Pin
    file: DistFile | None
    targets: tuple[int, ...]  # indexes in the list of resolutions

    @property
    def is_wheel(self) -> bool:
        """Return whether the file is a wheel."""
        return self.file is not None and self.file.filename.endswith(".whl")


def required_files(resolutions: Sequence[Resolution]) -> tuple[RequiredFile, ...]:
    """Return the files of all resolutions, sorted by project, version and name; a file of several targets occurs once.

    Raises ``NoSolution`` if a pin has no file, ``UsageError`` for a file whose name is a path.
    """
    by_file: dict[tuple[str, str, str], tuple[Pin, DistFile | None, list[int]]] = {}
    problems: list[str] = []
    for number, resolution in enumerate(resolutions):
        for pin in resolution.pins:
            file = _best(pin)
            if file is None and pin.url is None:
                problems.append(f"{pin.name} {pin.version}: no file can be installed on {resolution.target.label}")
                continue
            _, _, targets = by_file.setdefault((pin.name, pin.version, file.filename if file else ""), (pin, file, []))
            targets.append(number)
    if problems:
        raise NoSolution(problems)
    return tuple(
        RequiredFile(pin, file, tuple(targets))
        for _, (pin, file, targets) in sorted(by_file.items(), key=lambda row: row[0])
    )


def refuse_sources(files: Iterable[RequiredFile], targets: Sequence[Target], sdists: str) -> None:
    """Raise ``UsageError`` for every pin without a wheel that ``sdists`` ("refuse", "build" or "include") does not allow."""
    lines = []
    for row in files:
        if row.is_wheel or sdists == "build" or (sdists == "include" and row.file is not None):
            continue
        labels = ", ".join(targets[number].label for number in row.targets)
        available = "only a source archive" if row.file is not None else "only a source tree"
        lines.append(f"{row.pin.name} {row.pin.version} has {available} for {labels}")
    if lines:
        include = "; --sdists include adds the source archives, which are then built when they are installed"
        raise UsageError(
            "\n".join(lines)
            + "\n--sdists build runs their build backends on this machine"
            + include * (sdists == "refuse")
        )


def _best(pin: Pin) -> DistFile | None:
    """Return the file to install, None for a tree. Raises ``UsageError`` if its name is a path."""
    file = next(iter(pin.installable), None)
    if file is None and pin.url is not None:
        file = next(iter(pin.files), None)
    if file is not None and not _PLAIN_NAME.fullmatch(file.filename):
        raise UsageError(
            f"{pin.name} {pin.version}: the index names a file {file.filename!r}, which is not a valid file name"
        )
    return file
