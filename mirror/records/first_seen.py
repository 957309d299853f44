"""When the mirror first saw files without upload time: an append-only record of SHA-256 and time for each project."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MOST = 100_000  # files of one project: an index that lists others each day must not fill the mirror


def read(record: bytes | None) -> dict[str, int]:
    """Return the first sighting of each file in epoch seconds, by SHA-256; nothing of a record that cannot be read."""
    try:
        rows = json.loads(record or b"{}")
        return {digest: int(seconds) for seconds, digests in rows.items() for digest in digests.split(" ")}
    except (ValueError, AttributeError, TypeError):
        return {}


def extended(record: bytes | None, digests: Iterable[str], now: int) -> bytes | None:
    """Return a record with the files that it lacks, first seen now; None if it lacks none. Past ``_MOST`` files the first stay."""
    seen = read(record)
    before = len(seen)
    for digest in digests:
        if len(seen) < _MOST:
            seen.setdefault(digest, now)
    return _written(seen) if len(seen) > before else None


def _written(seen: Mapping[str, int]) -> bytes:
    rows: dict[str, list[str]] = {}
    for digest, seconds in seen.items():
        rows.setdefault(str(seconds), []).append(digest)
    return json.dumps({key: " ".join(digests) for key, digests in rows.items()}, separators=(",", ":")).encode()


def sha256_of(entry: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a file object in lower case; "" if it states none, there or in its URL (PEP 503)."""
    hashes, url = entry.get("hashes"), entry.get("url")
    stated = hashes.get("sha256") if isinstance(hashes, dict) else None
    if not isinstance(stated, str) and isinstance(url, str):
        stated = url.rpartition("#sha256=")[2].partition("&")[0] if "#sha256=" in url else None
    return (
        stated.lower()
        if isinstance(stated, str) and len(stated) == 64 and stated.isalnum() and stated.isascii()
        else ""
    )
