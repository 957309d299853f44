"""Hashes of files that their index states none of: download the files that pip will choose, and compute them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from mirror.errors import MirrorError, Offline
from mirror.records.model import FetchFailure
from pipx_parallel.bundle import downloads
from pipx_parallel.emitters.locked_files import strong_hash
from pipx_parallel.errors import Incomplete

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mirror.records.model import DistFile
    from mirror.session.mirror import Mirror
    from pipx_parallel.model import Pin, Resolution

_REMEDY = "its index states no hash that pip accepts, so it must be downloaded once"


class Completed(msgspec.Struct, frozen=True):
    """Resolutions whose chosen files all have a hash, and what that took."""

    resolutions: tuple[Resolution, ...]
    files: int
    fetched: int  # bytes


def unhashed(pin: Pin) -> DistFile | None:
    """Return the file that pip will choose for a pin, if its index states no hash of it that pip accepts."""
    if pin.url is not None or not pin.installable or strong_hash(pin.installable[0]) is not None:
        return None
    return pin.installable[0]


def complete(resolutions: Sequence[Resolution], mirror: Mirror, folder: str, *, offline: bool) -> Completed:
    """Download every such file and add its sha256. Raises ``Incomplete`` and ``OutputError``."""
    wanted = {
        file.url: (pin, file)
        for resolution in resolutions
        for pin in resolution.pins
        if (file := unhashed(pin)) is not None
    }
    if not wanted:
        return Completed(tuple(resolutions), 0, 0)
    downloads.make_folder(folder)
    ended = mirror.run({url: downloads.fetch(file, folder, offline=offline) for url, (_, file) in wanted.items()})
    failures = [
        FetchFailure(wanted[url][0].name, wanted[url][0].version, result)
        for url, result in ended.items()
        if isinstance(result, MirrorError)
    ]
    if failures:
        failures.sort(key=lambda failure: failure.project)
        raise Incomplete(failures, "\n".join(_explained(failure.error) for failure in failures))
    digests = {url: received.sha256 for url, received in ended.items()}
    done = [resolution.with_pins(lambda pin: _completed(pin, digests)) for resolution in resolutions]
    return Completed(tuple(done), len(wanted), sum(received.fetched for received in ended.values()))


def _completed(pin: Pin, digests: Mapping[str, str]) -> Pin:
    if unhashed(pin) is None:
        return pin
    return pin._replace(
        files=tuple([_with_digest(file, digests) for file in pin.files]),
        installable=tuple([_with_digest(file, digests) for file in pin.installable]),
    )


def _with_digest(file: DistFile, digests: Mapping[str, str]) -> DistFile:
    if file.url not in digests:
        return file
    return file._replace(hashes=tuple(sorted({**dict(file.hashes), "sha256": digests[file.url]}.items())))


def _explained(error: Exception) -> str:
    remedy = "run once without --offline, or write requirements with --no-hashes" if isinstance(error, Offline) else ""
    return f"{error}; {_REMEDY}" + (f": {remedy}" if remedy else "")
