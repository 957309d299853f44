"""A direct reference taken apart: what kind of thing, where, and which part of it. No I/O."""

from __future__ import annotations

import re
from typing import NamedTuple

from mirror.errors import Malformed
from mirror.names import is_archive
from mirror.urls import split_url
from pipx_parallel.direct_url import split_fragment, split_revision, split_tool, strong_hashes

COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class Reference(NamedTuple):
    """What a URL of a requirement points to."""

    kind: str  # "archive", "folder" or "git"
    url: str  # without fragment, credentials, and for git without "git+" and revision
    revision: str | None  # git: branch, tag or commit as written
    subdirectory: str
    hashes: tuple[tuple[str, str], ...]  # of the fragment and of --hash: any of one algorithm is right

    @property
    def filename(self) -> str:
        """Return the last piece of the address, unquoted."""
        from urllib.parse import unquote  # few locks have direct references

        return unquote(self.url.partition("?")[0].rstrip("/").rpartition("/")[2])

    @property
    def label(self) -> str:
        """Return what to call it in a message."""
        at = f"@{self.revision}" if self.revision else ""
        return f"git+{self.url}{at}" if self.kind == "git" else self.url


def parse(url: str, hashes: tuple[str, ...] = ()) -> Reference:
    """Take a reference apart; ``hashes`` are those written beside it ("sha256:hex"). Raises ``Malformed``."""
    address, parts = split_fragment(url)
    subdirectory = parts.get("subdirectory", "")
    written = [one.partition(":")[::2] for one in hashes]
    written += strong_hashes(parts).items()
    known = tuple(sorted({(name, value.lower()) for name, value in written}))
    tool, location = split_tool(address)
    if tool:
        if tool != "git":
            raise Malformed(f"{tool} repositories cannot be locked, only git: {split_url(location)[0]}")
        repository, revision = split_revision(split_url(location)[0])
        if (revision or "").startswith("-"):
            raise Malformed(f"{revision!r} is no branch, tag or commit")
        return Reference("git", repository, revision, subdirectory, known)
    plain = split_url(address)[0]
    if not plain.startswith(("http://", "https://", "file:")):
        raise Malformed(f"{plain}: only http, https, file and git+… references can be locked")
    archive = not plain.startswith("file:") or is_archive(plain.partition("?")[0])
    return Reference("archive" if archive else "folder", plain, None, subdirectory, known)


def pinned(reference: Reference, commit: str | None = None, egg: str = "") -> str:
    """Return the URL that gives the same content again: a commit for git, the same address for the rest."""
    parts = [f"egg={egg}"] if egg else []
    parts += [f"subdirectory={reference.subdirectory}"] if reference.subdirectory else []
    fragment = f"#{'&'.join(parts)}" if parts else ""
    if reference.kind == "git":
        return f"git+{reference.url}@{commit}{fragment}"
    return f"{reference.url}{fragment}"


def same(left: Reference, right: Reference) -> bool:
    """Say whether two references mean the same thing (as pip: scheme, place, revision and part; not spelling of hashes)."""
    return (left.kind, left.url.removesuffix(".git").rstrip("/"), left.revision, left.subdirectory) == (
        right.kind,
        right.url.removesuffix(".git").rstrip("/"),
        right.revision,
        right.subdirectory,
    )
