"""Validation of untrusted release views: from a snapshot file or a URL.

In the local store, the digest of a record is enough. In an untrusted record the digest proves nothing. So every part is checked:
its type, its characters, and that numbers and masks refer to existing items.
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
    from collections.abc import Iterable, Sequence

# The characters of a version or a tag: none of them is special in a shell or a lock.
_WORD = re.compile(r"[0-9A-Za-z.!+_-]*")
_WORDS = re.compile(r"[0-9A-Za-z.!+_ -]*")  # joined by spaces: one match instead of one for each release
_UPLOADS = re.compile(r"([0-9]{1,12}(\+[0-9]{1,12})?( [0-9]{1,12}(\+[0-9]{1,12})?)*)?")  # as above
_LEVELS = re.compile(r"[012]*")
_DIGEST = re.compile(r"([0-9a-f]{32})?")


def checked(key: str, data: bytes) -> ReleaseView | Absence:
    """Return the release view of an untrusted record. Raises ``Integrity`` if it is invalid or does not match its key."""
    try:
        split_key(key)  # refuses a key that no view has
        view = named_view(data, key)
        problem = _problem(view)
    except (Malformed, LookupError, TypeError, ValueError, AttributeError) as error:
        raise Integrity(f"{key}: {error}") from error
    if problem is not None:
        raise Integrity(f"{key}: {problem}")
    return view


def checked_texts(key: str, record: bytes) -> dict[str, bytes]:
    """Return METADATA by file name from an untrusted record. Raises ``Integrity`` if a file is not of its project."""
    try:
        texts = unpack_texts(record)
    except Malformed as error:
        raise Integrity(f"{key}: {error}") from error
    name = key.rpartition("/")[2]
    if not all(split_filename(filename, name) for filename in texts):
        raise Integrity(f"{key}: it names files that are not of {name}")
    return texts


def _problem(view: ReleaseView | Absence) -> str | None:
    """Return the problem of a decoded view, or None."""
    fetched, lifetime, etag, modified = view.freshness
    withdrawn = () if isinstance(view, Absence) or view.withdrawn is None else view.withdrawn
    if not all(type(number) in {int, float} and math.isfinite(number) for number in (fetched, lifetime, *withdrawn)):
        return "a time in it is not a finite number"
    if isinstance(view, Absence):
        return None if _texts((etag, modified)) else "fresh: a validator is not a text"
    texts = {file_kind.requires_python for file_kind in view.file_kinds}
    if (
        not _texts((etag, modified, view.status, view.status_reason, view.page_url, *texts))
        or type(view.classified) is not int
        or type(view.skipped) is not int
    ):
        return "a value in it has the wrong type"
    tags = {file_kind.tags for file_kind in view.file_kinds}
    if not _WORDS.fullmatch(" ".join(view.versions)) or not all(map(_WORD.fullmatch, tags)):
        return "a version or a tag has invalid characters"
    if not _DIGEST.fullmatch(view.digest) or not _UPLOADS.fullmatch(" ".join(view.uploads_text)):
        return "a digest or an upload time is invalid"
    return _invalid_reference(view)


def _invalid_reference(view: ReleaseView) -> str | None:
    """Return the problem if a number or a mask refers to a missing item, or None."""
    count = len(view.versions)
    rows = view.known_rows()
    masks = [*view.kind_sets.values(), *(mask for _, _, mask in rows), view.prereleases]
    numbers = [number for kind_set in view.kind_sets for number in kind_set] + [file_kind for file_kind, _, _ in rows]
    if any(mask < 0 or mask >> count for mask in masks) or not _are_indexes(numbers, len(view.file_kinds)):
        return "it refers to releases or file kinds that it does not have"
    if len(view.keys) != count or list(view.keys) != sorted(view.keys):
        return "its releases are not sorted"
    if not 0 <= view.classified <= count or len(view.uploads_text) != count - view.classified:
        return "it has more or fewer upload times than releases"
    return _invalid_detail(view)


def _invalid_detail(view: ReleaseView) -> str | None:
    """Return the problem of its attestation levels or dependency sets, or None."""
    if not _LEVELS.fullmatch(view.attested) or len(view.attested) not in {0, len(view.uploads_text)}:
        return "it has more or fewer attestation levels than releases"
    if not all(_texts(row[:2]) and type(row.seen) is int and row.filename.isprintable() for row in view.history):
        return "a row of its history is invalid"
    if not all(dependency_set.is_sound() for dependency_set in view.dependency_sets):
        return "a dependency set in it is invalid"
    if not _are_indexes([number for _, number, _ in view.known_rows()], len(view.dependency_sets)):
        return "it refers to dependency sets that it does not have"
    return None


def _are_indexes(numbers: Sequence[int], count: int) -> bool:
    return {*map(type, numbers)} <= {int} and (not numbers or (min(numbers) >= 0 and max(numbers) < count))


def _texts(values: Iterable[object]) -> bool:
    return {*map(type, values)} <= {str, type(None)}
