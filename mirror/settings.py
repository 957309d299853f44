"""The settings of a mirror: one frozen record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirror.equality import NamedTuple

if TYPE_CHECKING:
    from mirror.limits import RequestBudget
    from mirror.ports import CredentialSource


class TlsSettings(NamedTuple):
    """How server certificates are verified, and the client certificate."""

    verify: str | bool = True  # the path of a CA bundle, or whether certificates are verified
    client_cert: str | None = None  # the path of a PEM file with certificate and key
    trusted_hosts: tuple[str, ...] = ()  # hosts whose certificates are not verified


class RetryPolicy(NamedTuple):
    """Number and delays of retries. Delays are seconds; they double from ``base`` up to ``longest``."""

    retries: int = 4  # attempts after the first
    retries_with_fallback: int = 1  # ... if an older response can be used instead: the user should not wait long
    base: float = 0.25
    longest: float = 10.0
    longest_asked: float = 60.0  # the longest Retry-After that is waited for


class Depth(NamedTuple):
    """Which releases of a fetched page are classified and stored at once, beside the newest."""

    everything: bool = False  # all releases: a policy needs kinds and dates of old ones too
    before: int = 0  # epoch seconds, 0: any time; what was uploaded before counts as the newest


class MirrorSettings(NamedTuple):
    """The location of the mirror, the indexes it reads, and the limits of its requests.

    ``indexes`` are Simple API roots in order of preference, without credentials; ``find_links`` are folders or pages.
    ``credentials`` maps a URL to (user, password) or None. It is called for each request and its result is never stored.
    """

    location: str
    indexes: tuple[str, ...]
    find_links: tuple[str, ...] = ()
    offline: bool = False
    refresh: bool = False
    keep_whole: bool = False  # store the files of every release of a fetched page, not only of the newest
    depth: Depth = Depth()
    workers: int = 0  # 0: adapted to measurements ("auto"); otherwise 1 to 50
    timeout: float = 15.0  # seconds without a byte before an attempt fails
    retries: int = 4  # after the first attempt: at most five requests for one URL
    budget: RequestBudget | None = None  # the limits of the run
    transport: str = "auto"  # "auto", "curl", "requests" or "aiohttp"
    tls: TlsSettings = TlsSettings()
    proxy: str | None = None
    credentials: CredentialSource | None = None
    strategy: str = "first-index"  # or "best-match"
    routes: tuple[tuple[str, str], ...] = ()  # (normalised project name, index URL)
    user_agent: str = "python-metadata-mirror"
    requests_per_second: float = 0.0  # 0: limited only by the workers
    cache: str = ""  # a folder for what may be fetched again at any time: shards of a published mirror; "": none

    def indexes_of(self, name: str) -> tuple[str, ...]:
        """Return the URLs of the indexes that are asked for a project, in order."""
        return next(((url,) for project, url in self.routes if project == name), self.indexes)
