"""Read the packages of a pylock.toml that this tool wrote and nobody changed; fast: neither TOML nor ``packaging`` is loaded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipx_parallel.locks.lock_reader import LockedPackage

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = re.compile(r'name = "([a-z0-9-]+)"\n(?:version = "([^"\\\n]+)"\n)?')
_HASH = re.compile(r'(?<=[{ ])(md5|sha1|sha224|sha256|sha384|sha512|blake2b) = "([0-9a-f]+)"')
_SOURCE = re.compile(r"^(?:archive|vcs|directory) = ", re.MULTILINE)


def read_packages(text: str) -> Iterator[LockedPackage]:
    """Yield the packages that come from an index, with their hashes."""
    for block in text.replace("\r\n", "\n").split("\n[[packages]]\n")[1:]:
        head = _HEAD.match(block)
        if head is not None and _SOURCE.search(block) is None:
            yield LockedPackage(head[1], head[2], tuple([f"{kind}:{value}" for kind, value in _HASH.findall(block)]))
