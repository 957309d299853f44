"""Normal forms of names, and the suffixes of archives. Both packages use this implementation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# The archives that pip unpacks. "tar.z" and "tar.lzma" occur only in old uploads.
SDIST_SUFFIXES = (
    ".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz", ".tar", ".tbz", ".txz", ".tar.z", ".tar.lzma", ".tar.lz", ".tlz",
)  # fmt: skip
ARCHIVE_SUFFIXES = (".whl", *SDIST_SUFFIXES)


def normalize_name(name: str) -> str:
    """Return the normal form of a project's or an extra's name (PEP 503, PEP 685).

    The result equals that of ``packaging.utils.canonicalize_name``, whose module takes 45 ms to import.
    """
    name = name.lower()
    if "_" in name or "." in name or "--" in name:
        return re.sub(r"[-_.]+", "-", name)
    return name


def normalize_extras(extras: str) -> tuple[str, ...]:
    """Return the names of a comma-separated list, normalised, sorted, each once."""
    return tuple(sorted({normalize_name(extra.strip()) for extra in extras.split(",") if extra.strip()}))


def with_extras(name: str, extras: Sequence[str]) -> str:
    """Return a project with extras as a requirement names it: ``name[a,b]``, or the name alone."""
    return f"{name}[{','.join(extras)}]" if extras else name


def is_project_name(name: str) -> bool:
    """Return whether a text is a project's name (PEP 508), so that it cannot change the path of a URL it is put into."""
    return re.fullmatch(r"[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9]", name) is not None


def is_archive(filename: str) -> bool:
    """Return whether a file name ends like that of a wheel or a source archive."""
    return filename.lower().endswith(ARCHIVE_SUFFIXES)
