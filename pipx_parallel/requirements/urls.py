"""Parse the URLs and paths of requirements, and mask the secrets in them. Pure: no disk, no network."""

# Paths stay strings as the user wrote them: pathlib would normalise them, and takes 3 ms to import.
from __future__ import annotations

import os
import re

from mirror.equality import NamedTuple
from mirror.urls import path_of
from pipx_parallel.direct_url import split_fragment

# The version control schemes that pip supports: tool + transport.
VCS_SCHEMES = (
    "bzr+file", "bzr+ftp", "bzr+http", "bzr+https", "bzr+lp", "bzr+sftp", "bzr+ssh",
    "git+file", "git+git", "git+http", "git+https", "git+ssh",
    "hg+file", "hg+http", "hg+https", "hg+ssh", "hg+static-http",
    "svn+file", "svn+http", "svn+https", "svn+ssh", "svn+svn",
)  # fmt: skip
URL_SCHEMES = ("http", "https", "file", "ftp", *VCS_SCHEMES)
_FRAGMENT_HASHES = ("sha512", "sha384", "sha256", "sha224", "sha1", "md5")

# Strings, compiled on first use (0.2 to 0.5 ms each): most inputs do not need them.
_CREDENTIALS = r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<userinfo>[^/?#\s]*)@"
_QUERY_VALUE = (
    r"(?i)(?P<key>[?&][^=&#\s]*(?:token|secret|password|passwd|api_?key|auth|signature|sig|credential)[^=&#\s]*=)"
    r"[^&#\s]+"
)
_MASK = "****"


class RequirementUrl(NamedTuple):
    """The parts of a requirement's URL."""

    url: str  # as written, fragment included
    scheme: str
    egg: str | None  # "#egg=name"
    subdirectory: str | None  # "#subdirectory=folder"
    hashes: tuple[str, ...]  # "#sha256=hex", as "sha256:hex"
    filename: str  # last piece of the path, unquoted


def mask_secrets(text: str) -> str:
    """Return the text with each password, token and secret query value in its URLs replaced by ``****``.

    A user name is kept if a password follows it, and for ssh, because it is not a secret there.
    """
    if "@" in text:
        text = re.sub(_CREDENTIALS, _mask_userinfo, text)
    if "=" in text and ("?" in text or "&" in text):
        text = re.sub(_QUERY_VALUE, rf"\g<key>{_MASK}", text)
    return text


def _mask_userinfo(match: re.Match[str]) -> str:
    scheme, userinfo = match["scheme"], match["userinfo"]
    user, _, password = userinfo.partition(":")
    if password:
        return f"{scheme}://{user}:{_MASK}@"
    # Without a password the user name is a token, except for ssh.
    return match[0] if scheme.lower().endswith("ssh") else f"{scheme}://{_MASK}@"


def scheme_of(text: str) -> str:
    """Return the scheme in lower case if the text is a URL that pip accepts as a requirement, else ""."""
    scheme = text.partition(":")[0].lower() if ":" in text else ""
    return scheme if scheme in URL_SCHEMES else ""


def is_location_url(text: str) -> bool:
    """Return whether the location of a requirements file is a URL, not a path."""
    return text[:8].lower().startswith(("http:", "https:", "file:"))


def parse_reference(url: str) -> RequirementUrl:
    """Split a requirement's URL into its parts. Raises ``ValueError`` if it is not a URL."""
    from urllib.parse import unquote, urlsplit  # only for direct references

    parts = urlsplit(url)
    if parts.scheme.rpartition("+")[2] in ("http", "https", "ssh") and not parts.hostname:
        msg = "it has no host"
        raise ValueError(msg)
    _, fragment = split_fragment(url)
    hashes = tuple(f"{name}:{fragment[name].lower()}" for name in _FRAGMENT_HASHES if fragment.get(name))
    path = unquote(parts.path).rstrip("/")
    return RequirementUrl(
        url=url,
        scheme=parts.scheme.lower(),
        egg=fragment.get("egg"),
        subdirectory=fragment.get("subdirectory"),
        hashes=hashes[:1],  # as in pip, only the strongest
        filename=path.rpartition("/")[2],
    )


def local_path(url: str) -> str:
    """Return the path of a ``file:`` URL without the fragment; may be relative. Raises ``ValueError`` for another host."""
    from urllib.parse import urlsplit  # only for direct references

    host = urlsplit(url).netloc
    if os.name != "nt" and host.lower() not in {"", "localhost"}:
        msg = f"file: URL of another host: {host}"
        raise ValueError(msg)
    return path_of(url)


def join_location(parent: str, child: str) -> str:
    """Return the location of ``child``, which the file ``parent`` names (relative to the current folder for "-" and "")."""
    if is_location_url(parent):
        from urllib.parse import urljoin  # only for direct references

        return urljoin(parent, child)
    if is_location_url(child) or parent in ("", "-"):
        return child
    return os.path.normpath(os.path.join(os.path.dirname(parent), child))
