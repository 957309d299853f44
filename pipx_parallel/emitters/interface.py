"""The interface of every emitter: ``Emitter``, and the records it takes and returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from mirror.equality import NamedTuple
from pipx_parallel.model import Artifact, IndexOptions, Parts, Resolution, RootRequirement, SourceFile, Target


class RequirementsStyle(NamedTuple):
    """How a requirements file looks. None of it changes what is installed."""

    header: bool = True
    annotate: bool = True  # "# via" comments
    annotation_style: str = "split"  # or "line"
    strip_extras: bool = False  # a constraints file must not have extras


class LockContext(NamedTuple):
    """How a lock was made, as far as the lock records it. Nothing here depends on time or machine."""

    command: str  # "pipx-parallel lock requirements.in -o locked.txt"
    files: tuple[SourceFile, ...] = ()
    options: IndexOptions = IndexOptions()
    settings: Mapping[str, str] = {}  # settings that change the result: "resolution", "pre", "uploaded-prior-to", …
    hashes: bool = True
    style: RequirementsStyle = RequirementsStyle()
    constraints: tuple[RootRequirement, ...] = ()
    templates: Mapping[str, str] = {}  # URLs of ``options`` -> as written, with variables: ``https://${USER}@host``
    folder: str = ""  # absolute, with "/"; local paths are written relative to it. "": they are written in full
    targets: tuple[Target, ...] = ()  # as asked for: a resolution can be for a part of one
    parts: Parts | None = None  # the extras and groups, for a format that can hold them apart


class Emitter(Protocol):
    """Renders a resolution in one format. Same resolution and context, same text."""

    def render(self, name: str, resolutions: Sequence[Resolution], context: LockContext) -> tuple[Artifact, ...]:
        """Return the artifacts for the output called ``name``; raises nothing."""
        ...
