"""Select the files of a release that an output lists, and their hashes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mirror.names import normalize_name
from mirror.records.simple_file import FileList
from pipx_parallel.direct_url import STRONG_HASHES
from pipx_parallel.format_control import listed_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mirror.records.model import DistFile
    from pipx_parallel.emitters.merge import LockEntry
    from pipx_parallel.model import IndexOptions, Pin, Resolution

_HEX = re.compile(r"[0-9a-f]+")
_NUMBERS = r"v?([0-9]+(?:\.[0-9]+)*)"  # compiled on first use: 0.3 ms
_SDIST_SUFFIXES = (".tar.gz", ".zip")  # PEP 625 and packaging.utils.parse_sdist_filename know no others


def strong_hash(file: DistFile) -> str | None:
    """Return the file's best hash as ``sha256:hex``, or None if it has none that pip accepts."""
    return _strongest(file.hashes)


def has_strong_hashes(resolutions: Iterable[Resolution]) -> bool:
    """Return whether each file that pip will choose of an index has a hash that pip accepts."""
    pins = [pin for resolution in resolutions for pin in resolution.pins if pin.url is None and pin.installable]
    return all(strong_hash(pin.installable[0]) is not None for pin in pins)


def _strongest(hashes: Iterable[tuple[str, str]]) -> str | None:
    # The first by name: sha256, which every reader supports, precedes sha384 and sha512.
    best = min(usable_hashes(hashes), default=None)
    return None if best is None else ":".join(best)


def usable_hashes(hashes: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the hashes that pip accepts: pip refuses a whole lock if it does not support one algorithm."""
    return tuple(
        [pair for pair in hashes if len(pair[1]) == STRONG_HASHES.get(pair[0]) and _HEX.fullmatch(pair[1]) is not None]
    )


def strong_hashes(files: Iterable[DistFile]) -> tuple[str, ...]:
    """Return the best hash of every file, sorted, without duplicates."""
    hash_sets = files.hashes() if isinstance(files, FileList) else [file.hashes for file in files]
    digests: set[str] = set()
    for hashes in hash_sets:
        algorithm, value = hashes[0] if len(hashes) == 1 else ("", "")
        if algorithm == "sha256" and len(value) == 64 and _HEX.fullmatch(value):
            digests.add("sha256:" + value)  # nearly every file has only this hash
        elif (digest := _strongest(hashes)) is not None:
            digests.add(digest)
    return tuple(sorted(digests))


def wheels(entry: LockEntry) -> list[DistFile]:
    """Return the wheels with a hash that at least one target of the lock can install, sorted by name."""
    return [file for file in entry.installable if file.filename.endswith(".whl") and strong_hash(file)]


def source_archive(entry: LockEntry, options: IndexOptions) -> DistFile | None:
    """Return the source archive of the release, or None if there is none or the user allows only wheels.

    A ``.tar.gz`` is preferred to a ``.zip``. A legacy file name that does not contain the pin's name and version would make the
    whole lock invalid (PEP 751), so such a file is skipped.
    """
    pin = entry.pin
    if listed_in(pin.name, options.only_binary, options.no_binary):
        return None
    archives = _archives(pin.files)
    for suffix in _SDIST_SUFFIXES:
        for number, filename in archives:
            if (
                filename.endswith(suffix)
                and _names(filename.removesuffix(suffix), pin)
                and strong_hash(pin.files[number])
            ):
                return pin.files[number]
    return None


def _archives(files: Sequence[DistFile]) -> Sequence[tuple[int, str]]:
    """Return numbers and names of source archives, without parsing each file if that can be avoided.

    The releases of a 171-package lock have 3,000 files, of which 350 are listed: parsing the others took a tenth of a warm lock.
    """
    return files.archives() if isinstance(files, FileList) else [(n, file.filename) for n, file in enumerate(files)]


def _names(stem: str, pin: Pin) -> bool:
    name, _, version = stem.rpartition("-")
    return normalize_name(name) == pin.name and _same_version(version, pin.version)


def _same_version(left: str, right: str) -> bool:
    if left == right:
        return True
    first, second = re.fullmatch(_NUMBERS, left), re.fullmatch(_NUMBERS, right)
    if first and second:
        return _release(first[1]) == _release(second[1])
    # Imported here: 45 ms, only for a file that spells its version differently.
    from packaging.version import InvalidVersion, Version

    try:
        return Version(left) == Version(right)
    except InvalidVersion:
        return False


def _release(text: str) -> tuple[int, ...]:
    numbers = [int(part) for part in text.split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
