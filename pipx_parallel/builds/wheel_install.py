"""Install wheels into the environment of a build (PEP 427), without starting pip for each environment."""

# Paths are passed to other programs as text.
from __future__ import annotations

import os
import sysconfig
from typing import TYPE_CHECKING

import installer
from installer.destinations import SchemeDictionaryDestination
from installer.exceptions import InstallerError
from installer.sources import WheelFile

from mirror.limits import unpacked_members
from mirror.metadata.zip_directory import open_zip

if TYPE_CHECKING:
    from collections.abc import Mapping

_LIMIT = 4 * 1024 * 1024 * 1024  # bytes unpacked of one wheel
_SCHEMES = {"purelib": "purelib", "platlib": "platlib", "scripts": "scripts", "data": "data", "headers": "include"}


def install(wheels: Mapping[str, str], prefix: str, python: str) -> None:
    """Install wheels, {name: path}, into the environment at ``prefix``, whose interpreter is ``python``.

    Raises ``OSError``, ``ValueError`` or ``zipfile.BadZipFile`` for what cannot be installed; the environment is then unusable.
    """
    bases = dict.fromkeys(("base", "platbase", "installed_base", "installed_platbase"), prefix)
    paths = sysconfig.get_paths("venv", vars=bases)
    destination = SchemeDictionaryDestination(
        {scheme: paths[name] for scheme, name in _SCHEMES.items()},
        interpreter=python,
        script_kind="posix",
        overwrite_existing=True,
    )
    for wheel, path in wheels.items():
        with open(path, "rb") as file, open_zip(file, unpacked_members(os.fstat(file.fileno()).st_size)) as archive:
            archive.filename = wheel  # the library reads project and version from it
            if sum([member.file_size for member in archive.infolist()]) > _LIMIT:
                raise ValueError(f"{wheel} unpacks to more than {_LIMIT} bytes")
            try:
                installer.install(WheelFile(archive), destination, additional_metadata={})
            except (InstallerError, LookupError, AssertionError) as error:
                raise ValueError(f"{wheel} cannot be installed: {error}") from error
