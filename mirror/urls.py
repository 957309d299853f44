"""URLs with and without secrets, as two types, and the way from the first to the second.

A page may name files with ``user:password@``, a redirect may lead to a signed address. None of that may reach a record, a lock or a
message, so what is kept or shown is a ``PublicUrl``, and only the functions here make one. Credentials are put back when a request
is made, from what the user configured (``mirror.http.credentials``).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from collections.abc import Iterable

PublicUrl = NewType("PublicUrl", str)
"""A URL without credentials."""

_URLS = ("url", "provenance")  # of a file object (PEP 691, PEP 740)


def split_url(url: str) -> tuple[PublicUrl, tuple[str, str | None] | None]:
    """Return a URL without credentials, and these: user and password, unquoted; the password None where there is none."""
    scheme, mark, rest = url.partition("://")
    end = min([index for sign in "/?#" if (index := rest.find(sign)) >= 0], default=len(rest))
    secret, sign, host = rest[:end].rpartition("@")
    if not mark or not sign or scheme.endswith("ssh"):  # of ssh a user is a login, and there is never a password
        return PublicUrl(url), None
    from urllib.parse import unquote  # 3 ms, and most URLs hold no credentials

    user, colon, password = secret.partition(":")
    return PublicUrl(f"{scheme}://{host}{rest[end:]}"), (unquote(user), unquote(password) if colon else None)


def page_address(url: str) -> PublicUrl:
    """Return where a page was found, for relative URLs to count from: no credentials, no query (a signature?), no fragment."""
    return PublicUrl(split_url(url)[0].partition("#")[0].partition("?")[0])


def public_files(entries: Iterable[bytes]) -> list[bytes]:
    """Return file objects (JSON) without credentials in their URLs; those that hold none are the same bytes."""
    return [_public_file(bytes(entry)) if _may_hold_secret(bytes(entry)) else entry for entry in entries]


def may_hold_secrets(page: bytes) -> bool:
    """Return whether a page may name credentials: most hold no such sign, which is found out in no time."""
    return _may_hold_secret(page)


def shown(location: str) -> str:
    """Return an address of a store for messages: scheme, host and path.

    A password may hold ``/``, ``?``, ``#`` or ``@`` that should have been quoted; where it is not clear what belongs to it, the
    host is left out too.
    """
    scheme, mark, rest = location.partition("://")
    if not mark:
        return location
    authority = rest[: min([index for sign in "/?#" if (index := rest.find(sign)) >= 0], default=len(rest))]
    if "@" in rest[len(authority) :]:
        return f"{scheme}://…"
    return page_address(location)


def _may_hold_secret(data: bytes) -> bool:
    return b"@" in data or b"\\u0040" in data


def _public_file(entry: bytes) -> bytes:
    try:
        value = json.loads(entry)
    except ValueError:
        return entry
    if not isinstance(value, dict):
        return entry
    public = {key: _public(value[key]) for key in _URLS if isinstance(value.get(key), str)}
    return entry if public.items() <= value.items() else json.dumps({**value, **public}, separators=(",", ":")).encode()


def _public(url: str) -> str:
    """Return an absolute, scheme-relative or relative URL without credentials."""
    if url.startswith("//"):
        return split_url(f"http:{url}")[0].removeprefix("http:")
    return split_url(url)[0]
