"""A published mirror whose index, delta and advisories are signed: nothing of them is used before its signature is verified.

All other files are named by a digest that the index has. A signature's trusted comment says when the mirror was published. What was
published before that which this machine has used is refused: an older mirror cannot be put in the place of a newer one.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from mirror.errors import Integrity
from mirror.exchange.minisign import PublicKey
from mirror.exchange.publish_target import IMMUTABLE
from mirror.exchange.published_index import SIGNATURE
from mirror.exchange.published_source import Part, Source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mirror.exchange.published_cache import PublishedCache

_PAUSE = 1.0  # seconds: longer than the moment between a file and its signature


class SignedSource(Source):
    """``Source`` that fetches the signature of a file beside it, and refuses a file that a key has not signed."""

    def __init__(self, source: Source, key: str, cache: PublishedCache) -> None:
        """Read nothing yet. Raises ``StoreError`` if the key cannot be used."""
        self._source = source
        self._key = PublicKey.parse(key)
        self._cache = cache
        self._published = 0  # when what was read last was published
        self.label = source.label
        self.several_ranges = source.several_ranges

    def fetch(self, parts: Sequence[Part]) -> list[bytes | None]:
        """Return the bytes of each part; may also raise ``Integrity``.

        A file may have been written between the two requests, and its signature not yet: then both are read once more.
        """
        try:
            return self._fetched(parts)
        except Integrity:
            time.sleep(_PAUSE)
            return self._fetched(parts)

    def accept(self) -> None:
        """Take note that the index that was read last is used: nothing that was published before is read any more."""
        if self._published > self._cache.published():
            self._cache.save_published(self._published)

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        self._source.close()

    def _fetched(self, parts: Sequence[Part]) -> list[bytes | None]:
        signed = [part for part in parts if not part.path.startswith(IMMUTABLE)]
        bodies = self._source.fetch([*parts, *[Part(part.path + SIGNATURE) for part in signed]])
        contents = dict(zip(parts, bodies, strict=False))
        for part, signature in zip(signed, bodies[len(parts) :], strict=True):
            body = contents[part]
            if body is not None:
                self._published = self._verified(part.path, body, signature)
        return bodies[: len(parts)]

    def _verified(self, path: str, body: bytes, signature: bytes | None) -> int:
        """Return when a file was published. Raises ``Integrity``."""
        if signature is None:
            raise Integrity(
                f"{self.label}/{path} is not signed: there is no {path}{SIGNATURE} (mirror publish --sign-key writes it)"
            )
        try:
            comment = self._key.verify(body, signature)
        except ValueError as error:
            raise Integrity(f"{self.label}/{path} cannot be trusted: its signature is not valid: {error}") from error
        match = re.search(r"\btimestamp:(\d{1,12})\b", comment)
        published = int(match[1]) if match else 0
        if published < self._cache.published():
            raise Integrity(
                f"{self.label}/{path} cannot be trusted: it was published before what this machine has read already;"
                f" if its publisher put it back on purpose, remove {self._cache.folder}"
            )
        return published
