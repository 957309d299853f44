"""Normal forms of names, and the suffixes of archives: the one implementation of both packages."""

from __future__ import annotations

import re

# What pip would unpack. "tar.z" and "tar.lzma" only occur in old uploads.
SDIST_SUFFIXES = (
    ".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz", ".tar", ".tbz", ".txz", ".tar.z", ".tar.lzma", ".tar.lz", ".tlz",
)  # fmt: skip
ARCHIVE_SUFFIXES = (".whl", *SDIST_SUFFIXES)


def normalize_name(name: str) -> str:
    """Return the normal form of a project's or an extra's name (PEP 503, PEP 685).

    The same as ``packaging.utils.canonicalize_name``, whose module takes 45 ms to import.
    """
    name = name.lower()
    if "_" in name or "." in name or "--" in name:
        return re.sub(r"[-_.]+", "-", name)
    return name


def is_project_name(name: str) -> bool:
    """Return whether a text is a project's name (PEP 508): nothing that leads elsewhere where it becomes part of an address."""
    return re.fullmatch(r"[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9]", name) is not None


def is_archive(filename: str) -> bool:
    """Return whether a file name ends like that of a wheel or a source archive."""
    return filename.lower().endswith(ARCHIVE_SUFFIXES)
