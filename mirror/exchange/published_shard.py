"""The shard of a project in a published mirror: its release view, and the files of the releases that a lock may pin.

Layout: length of the frame (4 bytes, little-endian); a Zstandard frame; digests as bytes. The frame has three parts, separated
by line ends: the release view, the digest of the complete file view (empty: none), and the text of the files as in a snapshot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.equality import NamedTuple
from mirror.errors import Malformed
from mirror.exchange.dependency_closure import required_projects
from mirror.records.compression import pack_frame, unpack_frame
from mirror.records.dependency_sets import BASE
from mirror.records.file_columns import expand, parts, squeeze
from mirror.records.file_view import pack, with_digest
from mirror.records.release_view import Absence, ReleaseView

if TYPE_CHECKING:
    from collections.abc import Container, Sequence
    from collections.abc import Set as AbstractSet


class Shard(NamedTuple):
    """A shard that was unpacked. Its release view is not validated yet."""

    view: bytes
    files: str  # digest of the complete file view; "": there is none
    columns: bytes  # the compact form of the files of some releases, b"" if of none

    def to_bytes(self) -> bytes:
        """Return the shard as it is published."""
        text, digests = parts(self.columns) if self.columns else (b"", b"")
        frame = pack_frame(b"\n".join((self.view, self.files.encode(), text)))
        return len(frame).to_bytes(4, "little") + frame + digests

    @classmethod
    def read(cls, data: bytes | memoryview) -> Shard:
        """Unpack a shard. Raises ``Malformed``."""
        size = int.from_bytes(data[:4], "little")
        if len(data) < 4 + size:
            raise Malformed("a shard is shorter than it says")
        view, _, rest = unpack_frame(data[4 : 4 + size]).partition(b"\n")
        files, _, text = rest.partition(b"\n")
        return cls(view, files.decode("ascii", "replace"), text + bytes(data[4 + size :]) if text else b"")

    def file_view(self, digest: str) -> bytes | None:
        """Return the files as a file view that belongs to the release view with this digest. Raises ``Malformed``."""
        if not self.columns:
            return None
        return with_digest(pack([(piece,) if piece else () for piece in expand(self.columns)]), digest)


def shard_of(view: bytes, files: str, slices: Sequence[bytes]) -> bytes:
    """Return the bytes of a shard; ``slices`` are the files of each release, ``b""`` if they are left out."""
    return Shard(view, files, squeeze(slices) if any(slices) else b"").to_bytes()


def files_path(digest: str) -> str:
    """Return the path of a complete file view in a published folder."""
    return f"files/{digest[:2]}/{digest}.ppf"


def requirements_of(view: ReleaseView | Absence, published: Container[str]) -> tuple[str, ...]:
    """Return the published projects that a view's dependency sets name, in the form of an index row."""
    if isinstance(view, Absence):
        return ()
    extras = sorted({extra for dependency_set in view.dependency_sets for extra in dependency_set.extras()})
    words = []
    for extra in (BASE, *extras):
        needed = _needed(view, extra, published)
        if needed:
            words += needed if extra == BASE else [f"[{extra}]", *needed]
    return tuple(words)


def _needed(view: ReleaseView, extra: str, published: Container[str]) -> list[str]:
    rows = sorted(required_projects(view, (extra,)).items())
    return [f"{name}[{','.join(sorted(more))}]" if more else name for name, more in rows if name in published]


def lacking_of(view: ReleaseView, published: AbstractSet[str]) -> tuple[str, ...]:
    """Return the projects that a view's dependency sets name and that are not published, sorted."""
    extras = sorted({extra for dependency_set in view.dependency_sets for extra in dependency_set.extras()})
    return tuple(sorted(required_projects(view, (BASE, *extras)).keys() - published))
