"""Hashes for files that their index states none of: download what pip will choose, and compute them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pipx_parallel.bundle.file_hashes import complete
from pipx_parallel.cli.cache_folder import mirror_folder
from pipx_parallel.cli.wording import count

if TYPE_CHECKING:
    from mirror.session.mirror import Mirror
    from pipx_parallel.cli.request import LockRequest
    from pipx_parallel.model import Resolution


def with_hashes(request: LockRequest, resolutions: tuple[Resolution, ...], mirror: Mirror) -> tuple[Resolution, ...]:
    """Return the resolutions with a hash of each file that pip will choose. Raises ``Incomplete``."""
    access = request.settings.mirror
    made = complete(resolutions, mirror, downloads_folder(access.location), offline=access.offline)
    size = f"{made.fetched / 1e6:.1f} MB fetched"
    request.context.printer.say(f"hashed {count(made.files, 'file')} without a usable hash on the index ({size})")
    return made.resolutions


def downloads_folder(mirror: str) -> str:
    """Return the folder of downloads: in the mirror if it is a local folder, else in the user's default mirror."""
    if "://" in mirror or os.path.isfile(mirror):
        mirror = mirror_folder()
    return os.path.join(mirror, "downloads")
