"""Wheel variants (PEP 825): wheels whose file name has a label, and the file that says what the labels of a release mean.

Which variant fits a machine is not known from tags, so no target installs one. They are kept and listed, and releases that exist
only as variants are named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.names import normalize_name
from mirror.records.filenames import VARIANT, split_filename

if TYPE_CHECKING:
    from mirror.records.release_view import ReleaseView

_SUFFIX = "-variants.json"
NOT_INSTALLABLE = "exists only as wheel variants (PEP 825), which neither this tool nor pip installs"


def is_variants_json(filename: str) -> bool:
    """Return whether a file describes the wheel variants of a release."""
    return filename.endswith(_SUFFIX)


def is_variant(filename: str) -> bool:
    """Return whether a file is a wheel with a label."""
    split = split_filename(filename, normalize_name(filename.partition("-")[0]))
    return split is not None and split[1] == VARIANT


def version_of(filename: str, project: str) -> str | None:
    """Return the version of a wheel, a source archive or ``NAME-VERSION-variants.json`` of a project; None for other files."""
    if filename.endswith(_SUFFIX):
        name, _, version = filename.removesuffix(_SUFFIX).partition("-")
        return version if version and normalize_name(name) == project else None
    split = split_filename(filename, project)
    return None if split is None else split[0]


def only_as_variants(view: ReleaseView) -> int:
    """Return the mask of the classified releases of which every file is a wheel variant or describes them."""
    kinds = {number for number, row in enumerate(view.file_kinds) if row.tags == VARIANT}
    return (
        sum([mask for numbers, mask in view.kind_sets.items() if numbers and kinds.issuperset(numbers)]) if kinds else 0
    )


def versions_only_as_variants(view: ReleaseView) -> list[str]:
    """Return the versions of these releases, oldest first."""
    mask = only_as_variants(view)
    return [version for release, version in enumerate(view.versions) if mask >> release & 1]
