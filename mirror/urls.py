"""URLs without secrets, as a type of their own, and the functions that make them.

A page may name files with ``user:password@``, and a redirect may lead to a signed URL. Neither may reach a record, a lock or a
message. So only a ``PublicUrl`` is stored or shown, and only the functions here make one. ``mirror.http.credentials`` adds the
credentials that the user configured when a request is made.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from collections.abc import Iterable

PublicUrl = NewType("PublicUrl", str)
"""A URL without credentials."""

# In the text of a page, JSON or HTML: the beginning of a query parameter that is part of a signature.
_SIGNATURE = (
    r"(?i)(?:[?&;]|\\u00(?:26|3f))[\w.~-]*"
    r"(?:signature|credential|token|passw|secret|api_?key|auth|sig|policy|key-pair-id|hdnts|jwt)[\w.~-]*(?:=|\\u003d)"
)
_QUERY_MARKS = (b"?", b"&", b";")  # how a parameter begins: without one, or an escaped one, there is no signature
_ESCAPE = b"\\u00"
_URLS = ("url", "provenance")  # of a file object (PEP 691, PEP 740)


def split_url(url: str) -> tuple[PublicUrl, tuple[str, str | None] | None]:
    """Return a URL without credentials, and the credentials: user and password, unquoted; the password may be None."""
    scheme, mark, rest = url.partition("://")
    end = min([index for sign in "/?#" if (index := rest.find(sign)) >= 0], default=len(rest))
    secret, sign, host = rest[:end].rpartition("@")
    if not mark or not sign or scheme.endswith("ssh"):  # of ssh a user is a login, and there is never a password
        return PublicUrl(url), None
    from urllib.parse import unquote  # 3 ms, and most URLs hold no credentials

    user, colon, password = secret.partition(":")
    return PublicUrl(f"{scheme}://{host}{rest[end:]}"), (unquote(user), unquote(password) if colon else None)


def page_address(url: str) -> PublicUrl:
    """Return the base of a page's relative URLs: its URL without credentials, query (it may be a signature) and fragment."""
    return PublicUrl(split_url(url)[0].partition("#")[0].partition("?")[0])


def public_files(entries: Iterable[bytes]) -> list[bytes]:
    """Return file objects (JSON) without credentials and signatures in their URLs; objects without any stay the same bytes."""
    return [_public_file(bytes(entry)) if _may_hold_secret(bytes(entry)) else entry for entry in entries]


def may_hold_secrets(page: bytes) -> bool:
    """Return whether a page may hold credentials or signatures: a fast test that most pages fail."""
    return _may_hold_secret(page)


def signed_urls(entries: Iterable[bytes], page_url: str) -> dict[str, str]:
    """Return the signed URLs of file objects (JSON), absolute, by the URL without signature."""
    from urllib.parse import urljoin  # only for pages with signed URLs

    signed: dict[str, str] = {}
    for entry in entries:
        value = json.loads(bytes(entry)) if _may_hold_secret(bytes(entry)) else None
        url = value.get("url") if isinstance(value, dict) else None
        if isinstance(url, str) and without_signature(url) != url:
            absolute = split_url(urljoin(page_url, url.partition("#")[0]))[0]
            signed[without_signature(absolute)] = absolute
    return signed


def without_signature(url: str) -> str:
    """Return a URL without its query if that has a signature or a token; a fragment stays."""
    if "?" not in url or not re.search(_SIGNATURE, url):
        return url
    base, _, rest = url.partition("?")
    _, mark, fragment = rest.partition("#")
    return f"{base}{mark}{fragment}"


def shown(location: str) -> str:
    """Return the URL of a store for messages: scheme, host and path.

    A password may hold ``/``, ``?``, ``#`` or ``@`` that should have been quoted. If it is not clear where the password ends, the
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
    # A search for one byte takes a hundredth of the time that the expression takes, and a twentieth of that for several bytes: it
    # runs over 55 MB of pages in a large lock.
    is_escaped = b"\\" in data
    if b"@" in data or (is_escaped and b"\\u0040" in data):
        return True
    return any(_holds_signature(data, mark) for mark in _QUERY_MARKS) or (
        is_escaped and _holds_signature(data, _ESCAPE)
    )


def _holds_signature(data: bytes, mark: bytes) -> bool:
    """Return whether a parameter of a signature begins with a mark. One ``;`` in 5 MB costs no search of all by the expression."""
    expression = re.compile(_SIGNATURE.encode())
    position = data.find(mark)
    while position >= 0:
        if expression.match(data, position):
            return True
        position = data.find(mark, position + 1)
    return False


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
    """Return an absolute, scheme-relative or relative URL without credentials and signature."""
    url = without_signature(url)
    if url.startswith("//"):
        return split_url(f"http:{url}")[0].removeprefix("http:")
    return split_url(url)[0]


def path_of(url: str) -> str:
    """Return the path of a ``file:`` URL (RFC 8089); query and fragment are dropped."""
    from urllib.parse import unquote, urlsplit  # 9 ms; only for local files

    parts = urlsplit(url)
    path = unquote(parts.path)
    if os.name == "nt":
        path = path[1:] if path[2:3] == ":" else path
        return f"//{parts.netloc}{path}" if parts.netloc not in ("", "localhost") else path
    return path


def url_of(path: str) -> str:
    """Return the ``file:`` URL of a path."""
    from pathlib import PurePath  # 9 ms; only for local files

    return PurePath(os.path.abspath(path)).as_uri()  # not resolve(): symbolic links are not followed
