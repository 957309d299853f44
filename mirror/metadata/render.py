"""A dependency set as core metadata: what a resolver needs of METADATA, made again from what the mirror keeps of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mirror.records.dependency_sets import DependencySet


def metadata_text(name: str, version: str, found: DependencySet) -> bytes:
    """Return METADATA with the fields that resolving needs; the description and all else is not kept, so not here.

    An extra that adds no requirement is not known to the mirror and is missing.
    """
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    if found.requires_python:
        lines.append(f"Requires-Python: {found.requires_python}")
    lines += [f"Provides-Extra: {extra}" for extra in found.extras()]
    lines += [f"Requires-Dist: {line}" for line in found.lines]
    safe = [line.replace("\r", " ").replace("\n", " ") for line in lines]  # a header that could begin another line
    return ("\n".join(safe) + "\n\n").encode("utf-8", "replace")
