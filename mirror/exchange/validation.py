"""What a release view must be before anything is made of it, where it comes from a stranger: a file, a web address.

A record of one's own store is believed once its digest is right. A stranger can make that right for anything, so here every
part is looked at: its type, its characters, and that numbers and masks point at what is there.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from mirror.errors import Integrity, Malformed
from mirror.exchange.record_iterator import named_view, split_key
from mirror.records.filenames import split_filename
from mirror.records.metadata_texts import unpack_texts
from mirror.records.release_view import Absence, ReleaseView

if TYPE_CHECKING:
    from collections.abc import Iterable

# What a version or a tag is made of: nothing that a shell or a lock would read.
_WORDS = re.compile(r"[0-9A-Za-z.!+_-]*")
_UPLOAD = re.compile(r"[0-9]{1,12}(\+[0-9]{1,12})?")
_DIGEST = re.compile(r"([0-9a-f]{32})?")


def checked(key: str, data: bytes) -> ReleaseView | Absence:
    """Return a stranger's record; raises ``Integrity`` unless it is what its key says and nothing in it does harm."""
    try:
        view = named_view(data, split_key(key)[1])
        trouble = _trouble(view)
    except (Malformed, LookupError, TypeError, ValueError, AttributeError) as error:
        raise Integrity(f"{key}: {error}") from error
    if trouble is not None:
        raise Integrity(f"{key}: {trouble}")
    return view


def checked_texts(key: str, record: bytes) -> dict[str, bytes]:
    """Return METADATA by file name out of a stranger's record; raises ``Integrity`` unless all are of wheels of its project."""
    try:
        texts = unpack_texts(record)
    except Malformed as error:
        raise Integrity(f"{key}: {error}") from error
    name = key.rpartition("/")[2]
    if not all(filename.endswith(".whl") and split_filename(filename, name) for filename in texts):
        raise Integrity(f"{key}: it speaks of files that are no wheels of {name}")
    return texts


def _trouble(view: ReleaseView | Absence) -> str | None:
    """Return what is wrong with a view that could be read, or None."""
    fetched, lifetime, etag, modified = view.freshness
    gone = () if isinstance(view, Absence) or view.withdrawn is None else view.withdrawn
    if not all(type(one) in {int, float} and math.isfinite(one) for one in (fetched, lifetime, *gone)):
        return "its times are no numbers"
    if isinstance(view, Absence):
        return None if _texts((etag, modified)) else "a part of it is no text"
    texts = [etag, modified, view.status, view.page_url, *(file_kind.requires_python for file_kind in view.file_kinds)]
    if not _texts(texts) or type(view.classified) is not int or type(view.skipped) is not int:
        return "a part of it has another type than it should"
    words = [*view.versions, *(file_kind.tags for file_kind in view.file_kinds)]
    if not all(_WORDS.fullmatch(word) for word in words):
        return "a version or a tag holds characters that none has"
    if not _DIGEST.fullmatch(view.digest) or not all(map(_UPLOAD.fullmatch, view.uploads_text)):
        return "a digest or an upload time is none"
    return _lost(view)


def _lost(view: ReleaseView) -> str | None:
    """Return whether a number or a mask points at something that is not there."""
    count = len(view.versions)
    known = view.known_rows()
    masks = [*view.kind_sets.values(), *(mask for _, _, mask in known), view.prereleases]
    numbers = [number for kind_set in view.kind_sets for number in kind_set] + [file_kind for file_kind, _, _ in known]
    if any(mask < 0 or mask >> count for mask in masks) or not _places(numbers, len(view.file_kinds)):
        return "it speaks of releases or files that it does not have"
    if len(view.keys) != count or list(view.keys) != sorted(view.keys):
        return "its releases are not in order"
    if not 0 <= view.classified <= count or len(view.uploads_text) != count - view.classified:
        return "it has more or fewer upload times than releases"
    if not all(found.is_sound() for found in view.dependency_sets):
        return "what it says of dependencies cannot be read"
    if not _places([number for _, number, _ in known], len(view.dependency_sets)):
        return "it speaks of dependencies that it does not have"
    return None


def _places(numbers: Iterable[object], count: int) -> bool:
    return all(type(number) is int and 0 <= number < count for number in numbers)


def _texts(values: Iterable[object]) -> bool:
    return all(value is None or isinstance(value, str) for value in values)
