"""What a mirror is opened with: one frozen record, made in one place by whoever composes the program."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mirror.ports import CredentialSource


class TlsSettings(NamedTuple):
    """How servers are known, and how this client is."""

    verify: str | bool = True  # a CA bundle's path, or whether certificates are checked
    client_cert: str | None = None  # path of a PEM file with certificate and key
    trusted_hosts: tuple[str, ...] = ()  # whose certificates are not checked


class MirrorSettings(NamedTuple):
    """Where the mirror is, where its facts come from, and how hard it may ask.

    ``indexes`` are Simple API roots in order of preference, without credentials; ``find_links`` are folders or pages.
    ``credentials`` maps a URL to (user, password) or None; it is called late and its answer is never stored.
    """

    location: str
    indexes: tuple[str, ...]
    find_links: tuple[str, ...] = ()
    offline: bool = False
    refresh: bool = False
    keep_whole: bool = False  # of each page fetched keep the files of every release, not of the newest alone
    classify_all: bool = (
        False  # the kinds and dates of old releases decide as well (a cutoff): keep and read all of each page
    )
    workers: int = 0  # 0: sized by what is measured ("auto"); 1 to 50 otherwise
    timeout: float = 15.0  # seconds without a byte before an attempt is given up
    retries: int = 4  # tries after the first: five requests for one URL
    deadline: float | None = None  # of the monotonic clock, after which nothing is waited for any more
    transport: str = "auto"  # "auto", "curl", "requests" or "aiohttp"
    tls: TlsSettings = TlsSettings()
    proxy: str | None = None
    credentials: CredentialSource | None = None
    strategy: str = "first-index"  # or "best-match"
    routes: tuple[tuple[str, str], ...] = ()  # (normalised project name, index URL)
    user_agent: str = "python-metadata-mirror"
    requests_per_second: float = 0.0  # 0: no limit beyond the workers
