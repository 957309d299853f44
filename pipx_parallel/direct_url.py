"""Split direct reference URLs (PEP 508 ``name @ url``) into their parts."""

from __future__ import annotations

VCS_TOOLS = ("git", "hg", "svn", "bzr")
STRONG_HASHES = {"sha256": 64, "sha384": 96, "sha512": 128}  # algorithm -> hex digits; what pip accepts with --hash


def split_fragment(url: str) -> tuple[str, dict[str, str]]:
    """Return a URL without its fragment, and the fragment's ``key=value`` pairs; of equal keys the first, as in pip."""
    address, _, fragment = url.partition("#")
    pairs = [piece.partition("=")[::2] for piece in fragment.split("&") if "=" in piece]
    return address, dict(reversed(pairs))


def split_tool(address: str) -> tuple[str, str]:
    """Return the version control tool of ``git+https://…`` and the URL after it; "" and the whole address without one."""
    tool, plus, rest = address.partition("+")
    return (tool, rest) if plus and tool in VCS_TOOLS and "://" in rest else ("", address)


def split_revision(address: str) -> tuple[str, str | None]:
    """Split ``https://host/repo@rev``; an ``@`` before the path (``ssh://git@host``) belongs to a user."""
    scheme, separator, rest = address.partition("://")
    authority, slash, path = rest.partition("/")
    repository, mark, revision = path.rpartition("@")
    if not mark or not revision:
        return address, None
    return f"{scheme}{separator}{authority}{slash}{repository}", revision


def strong_hashes(fragment: dict[str, str]) -> dict[str, str]:
    """Return the hashes of a fragment that pip accepts, in lower case."""
    return {name: value.lower() for name, value in fragment.items() if name in STRONG_HASHES and value}
