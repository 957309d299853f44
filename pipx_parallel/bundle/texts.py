"""The text files of a bundle: requirements per target, ``bundle.json``, ``README.txt``. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipx_parallel.model import Target

SCHEMA = 1
MANIFEST = "bundle.json"
WHEELS = "wheels/"

_README = """\
A bundle made by pipx-parallel: a locked set of Python packages with all its files. Nothing is fetched when it is installed.

    sh install.sh --venv ./env                          Linux, macOS
    powershell -File install.ps1 --venv .\\env           Windows
    python install.py --venv ./env                      anywhere; --help lists the options

It serves:

@TARGETS@

Every file is checked against the hashes in requirements/ before it is installed. bundle.json lists all files; pylock.toml is
the lock they come from. With any other installer: --no-index --find-links wheels --require-hashes -r requirements/NAME.txt
"""


class BundleFile(msgspec.Struct, frozen=True):
    """A file of the bundle and the pin that it satisfies."""

    project: str
    version: str
    filename: str
    sha256: str
    size: int  # bytes
    targets: tuple[int, ...]


def target_names(targets: Sequence[Target]) -> tuple[str, ...]:
    """Return a unique file name for each target: ``cpython-3.13-win32-amd64``."""
    names: list[str] = []
    for target in targets:
        stem = name = re.sub(r"[^a-z0-9._]+", "-", target.label.lower())
        number = 1
        while name in names:
            number += 1
            name = f"{stem}-{number}"
        names.append(name)
    return tuple(names)


def requirements(target: int, label: str, placed: Sequence[BundleFile]) -> str:
    """Return the requirements file of one target: the bundle's files, by hash."""
    lines = [f"# {label}; installed by install.py, see README.txt"]
    lines += [
        f"{file.project}=={file.version} \\\n    --hash=sha256:{file.sha256}"
        for file in placed
        if target in file.targets
    ]
    return "\n".join(lines) + "\n"


def manifest(targets: Sequence[Target], placed: Sequence[BundleFile]) -> str:
    """Return ``bundle.json``, which ``install.py`` reads: the targets, how each is recognised, and every file."""
    names = target_names(targets)
    body = {
        "created-by": "pipx-parallel",
        "schema": SCHEMA,
        "targets": [
            {
                "name": names[number],
                "label": target.label,
                "implementation": target.markers["implementation_name"],
                "python": target.markers["python_version"],
                "platform": target.markers["sys_platform"],
                "machine": target.markers["platform_machine"],
                "requirements": f"requirements/{names[number]}.txt",
                "files": sorted({file.filename for file in placed if number in file.targets}),
            }
            for number, target in enumerate(targets)
        ],
        "files": [
            {"name": name, "sha256": sha256, "size": size}
            for name, sha256, size in sorted({(file.filename, file.sha256, file.size) for file in placed})
        ],
    }
    return json.dumps(body, indent=2) + "\n"


def readme(targets: Sequence[Target]) -> str:
    """Return ``README.txt``."""
    lines = "\n".join(
        f"    {name:<34} {target.label}" for name, target in zip(target_names(targets), targets, strict=True)
    )
    return _README.replace("@TARGETS@", lines)
