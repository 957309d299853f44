"""Paths that a source archive or its build backend names: accepted only if they stay inside their folder."""

from __future__ import annotations

import os

from mirror.errors import BuildFailed, BuildProblem
from mirror.limits import METADATA_BYTES


def inside(folder: str, subdirectory: str, label: str) -> str:
    """Return a folder below another. Raises ``BuildFailed`` if it does not exist or is outside."""
    target = os.path.realpath(os.path.join(folder, subdirectory))
    if os.path.commonpath([os.path.realpath(folder), target]) != os.path.realpath(folder) or not os.path.isdir(target):
        raise BuildFailed(f"{label}: there is no folder {subdirectory!r} in it", BuildProblem.SOURCE)
    return target


def read_metadata(folder: str, name: str, label: str) -> bytes:
    """Return the METADATA that a backend wrote; links are not followed out of its folder. Raises ``BuildFailed``."""
    path = os.path.join(inside(folder, name, label), "METADATA")
    if os.path.realpath(path) != path or not os.path.isfile(path):
        raise BuildFailed(f"{label}: the build backend wrote no METADATA into its folder")
    with open(path, "rb") as file:
        return file.read(METADATA_BYTES + 1)  # more is refused by whoever reads it
