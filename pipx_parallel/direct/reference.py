"""Parses a direct reference: its kind, URL, revision and subdirectory. No I/O."""

from __future__ import annotations

import re

from mirror.equality import NamedTuple
from mirror.errors import Malformed
from mirror.names import is_archive
from mirror.urls import split_url
from pipx_parallel.direct_url import split_fragment, split_revision, split_tool, strong_hashes

COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class Reference(NamedTuple):
    """The parsed URL of a requirement."""

    kind: str  # "archive", "folder" or "git"
    url: str  # without fragment, credentials, and for git without "git+" and revision
    revision: str | None  # git: branch, tag or commit as written
    subdirectory: str
    hashes: tuple[tuple[str, str], ...]  # of the fragment and of --hash; one match per algorithm is enough

    @property
    def filename(self) -> str:
        """Return the last segment of the URL's path, unquoted."""
        from urllib.parse import unquote  # few locks have direct references

        return unquote(self.url.partition("?")[0].rstrip("/").rpartition("/")[2])

    @property
    def label(self) -> str:
        """Return the reference as messages show it."""
        revision = f"@{self.revision}" if self.revision else ""
        return f"git+{self.url}{revision}" if self.kind == "git" else self.url


def parse(url: str, hashes: tuple[str, ...] = ()) -> Reference:
    """Parse a reference; ``hashes`` are those of its line ("sha256:hex"). Raises ``Malformed``."""
    address, parts = split_fragment(url)
    subdirectory = parts.get("subdirectory", "")
    written = [text.partition(":")[::2] for text in hashes]
    written += strong_hashes(parts).items()
    pairs = tuple(sorted({(name, value.lower()) for name, value in written}))
    tool, location = split_tool(address)
    if tool:
        if tool != "git":
            raise Malformed(f"{tool} repositories cannot be locked, only git: {split_url(location)[0]}")
        repository, revision = split_revision(split_url(location)[0])
        if (revision or "").startswith("-"):
            raise Malformed(f"{revision!r} is no branch, tag or commit")
        return Reference("git", repository, revision, subdirectory, pairs)
    plain = split_url(address)[0]
    if not plain.startswith(("http://", "https://", "file:")):
        raise Malformed(f"{plain}: only http, https, file and git+… references can be locked")
    archive = not plain.startswith("file:") or is_archive(plain.partition("?")[0])
    return Reference("archive" if archive else "folder", plain, None, subdirectory, pairs)


def pinned(reference: Reference, commit: str | None = None, egg: str = "") -> str:
    """Return the URL with the same content: a commit for git, the same URL otherwise."""
    parts = [f"egg={egg}"] if egg else []
    parts += [f"subdirectory={reference.subdirectory}"] if reference.subdirectory else []
    fragment = f"#{'&'.join(parts)}" if parts else ""
    if reference.kind == "git":
        return f"git+{reference.url}@{commit}{fragment}"
    return f"{reference.url}{fragment}"


def same(left: Reference, right: Reference) -> bool:
    """Return whether two references are equal as in pip: by URL, revision and subdirectory, not by hashes."""
    return (left.kind, left.url.removesuffix(".git").rstrip("/"), left.revision, left.subdirectory) == (
        right.kind,
        right.url.removesuffix(".git").rstrip("/"),
        right.revision,
        right.subdirectory,
    )
