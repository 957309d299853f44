"""Which files a bundle needs: for every target and pin the best file, each once. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pipx_parallel.errors import NoSolution, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mirror.records.model import DistFile
    from pipx_parallel.model import Pin, Resolution, Target

SDISTS = ("refuse", "build", "include")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]*")  # a file name that is no path on any system


class Need(NamedTuple):
    """One pin of some targets, and the file that satisfies it there.

    ``file`` is None where there is only a tree (a repository, a folder): that can be built, never carried as it is.
    """

    pin: Pin
    file: DistFile | None
    targets: tuple[int, ...]  # places in the list of resolutions

    @property
    def is_wheel(self) -> bool:
        """Return whether pip installs the file as it is."""
        return self.file is not None and self.file.filename.endswith(".whl")


def needs(resolutions: Sequence[Resolution]) -> tuple[Need, ...]:
    """Return what all resolutions need, sorted by project, version and file name; a file that several targets share comes once.

    Raises ``NoSolution`` where a pin has no file at all, ``UsageError`` for a file whose name is a path.
    """
    found: dict[tuple[str, str, str], tuple[Pin, DistFile | None, list[int]]] = {}
    lost: list[str] = []
    for place, resolution in enumerate(resolutions):
        for pin in resolution.pins:
            file = _best(pin)
            if file is None and pin.url is None:
                lost.append(f"{pin.name} {pin.version}: no file of it can be installed on {resolution.target.label}")
                continue
            _, _, targets = found.setdefault((pin.name, pin.version, file.filename if file else ""), (pin, file, []))
            targets.append(place)
    if lost:
        raise NoSolution(lost)
    return tuple(
        Need(pin, file, tuple(targets)) for _, (pin, file, targets) in sorted(found.items(), key=lambda row: row[0])
    )


def refuse_sources(found: Iterable[Need], targets: Sequence[Target], sdists: str) -> None:
    """Raise ``UsageError`` naming every pin without a wheel that ``sdists`` ("refuse", "build" or "include") does not allow."""
    lines = []
    for need in found:
        if need.is_wheel or sdists == "build" or (sdists == "include" and need.file is not None):
            continue
        where = ", ".join(targets[place].label for place in need.targets)
        what = "only a source archive" if need.file is not None else "only a source tree"
        lines.append(f"{need.pin.name} {need.pin.version} has {what} for {where}")
    if lines:
        include = "; --sdists include carries source archives as they are, to be built where they are installed"
        raise UsageError(
            "\n".join(lines) + "\n--sdists build runs their build backends here" + include * (sdists == "refuse")
        )


def _best(pin: Pin) -> DistFile | None:
    """Return the file to install, None for a tree. Raises ``UsageError``."""
    file = next(iter(pin.installable), None)
    if file is None and pin.url is not None:
        file = next(iter(pin.files), None)
    if file is not None and not _PLAIN_NAME.fullmatch(file.filename):
        raise UsageError(f"{pin.name} {pin.version}: its index names a file {file.filename!r}, which is refused")
    return file
