"""The protocols of the mirror's edges, each with its whole contract: what it does, what may be raised, and what is optional.

``Store`` keeps bytes. ``Transport`` moves bytes. ``CredentialSource`` knows passwords. ``Builder`` runs build backends.
``MirrorObserver`` watches. A member that not every implementation needs has a default here, and implementations inherit it:
callers call every member of a port, they never ask whether it is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from typing import NamedTuple, Protocol

from mirror.urls import PublicUrl, page_address


class Store(Protocol):
    """Bytes under string keys, safe for several processes at once, and for several threads of one.

    Values are ``bytes`` only; nothing is ever unpickled. Every method but ``close`` may raise ``StoreError``, and ``get_many``
    and ``scan`` of a store that proves its bytes also ``Integrity``; nothing else. A batch given to ``put_many`` or made by
    ``update`` is visible to others whole or not at all. A store that can only be read takes a batch and forgets it: what is
    lost can be computed or fetched again.
    """

    repacks: bool = False  # file views are packed anew when they are read: the digest in them proves nothing

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the values there are; keys that are absent are left out."""
        ...

    def put_many(self, items: Mapping[str, bytes]) -> None:
        """Write all items in one transaction."""
        ...

    def update(self, changes: Mapping[str, Callable[[bytes | None], bytes | None]]) -> None:
        """Read, change and write each key inside one transaction; None from a change leaves the key as it is.

        What a change raises goes up as it is, and nothing of the batch is written.
        """
        ...

    def delete_many(self, keys: Iterable[str]) -> int:
        """Remove the keys that are there, in one transaction; return how many were."""
        ...

    def scan(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Yield (key, size in bytes) of every key with that prefix, sorted by key."""
        ...

    def close(self) -> None:
        """Release the storage; safe to call twice. Never raises."""
        ...

    def prepare(self) -> None:
        """Make now what the first write would make. By default there is nothing to make."""
        return

    def prefetch_files(self, rows: Iterable[tuple[str, str]]) -> None:  # noqa: ARG002 - a default, not a duty
        """Expect that the files of (key of a file view, version) will be read. By default nothing is fetched ahead."""
        return

    def version(self) -> object | None:
        """Return a value that differs once anything stored has changed. By default None: the store cannot tell."""
        return None


Intervals = tuple[tuple[str, str], ...]  # as ``mirror.records.model.CompiledSpecifier`` has them


class PageWish(NamedTuple):
    """Says of a request that it is for a project's page, and what should become of the answer."""

    name: str  # normalised: whose page it should be
    whole: bool = False  # keep the files of every release, not of the newest alone
    classified: bool = False  # find out of every release, not of the newest alone, which kinds of files it has
    admits: tuple[
        Intervals, ...
    ] = ()  # what is asked of the project: the newest release that all admit is kept as well


class Views(NamedTuple):
    """What became of a project's page: the encoded release view and the packed file view, or why there are none."""

    view: bytes
    files: bytes
    error: str | None = None


class Purpose(Enum):
    """What a request is for."""

    PAGES = "project pages"
    METADATA = "metadata"
    SOURCES = "source archives"
    DIRECT = "direct references"
    OTHER = "other"


class Request(NamedTuple):
    """One HTTP request, said in full: nothing is added by a transport but authentication and connection headers."""

    url: str  # http(s):// without credentials
    headers: tuple[tuple[str, str], ...] = ()
    method: str = "GET"
    cache_key: str | None = None  # where validators may be kept; None: this exchange is never cached
    limit: int | None = None  # bytes of body (decoded) past which the transfer is aborted with a problem
    fallback: bool = False  # an older answer can stand in: not worth many tries
    page: PageWish | None = None  # a project's page: a transport may answer with its views in place of its body
    purpose: Purpose = Purpose.OTHER


class Work(NamedTuple):
    """One thing to be done in a thread of this machine: a build, a clone. Never sent anywhere, never tried again.

    Steps that yield it are sent what ``do`` returns, or have what it raises thrown into them.
    """

    what: str
    do: Callable[[], bytes]


_REMEDIES = {
    401: ": it wants credentials; give them in its URL, in a netrc file, or by keyring",
    403: ": it refuses access; check the credentials in its URL, in a netrc file, or in keyring",
}


class ProblemKind(Enum):
    """What a problem means for whoever decides about it: transports say the kind, nobody reads the sentence."""

    PASSING = "passing"  # the same request may succeed a little later
    TOO_LARGE = "too large"  # the answer is longer than the request's limit
    TLS = "tls"  # the certificate or encryption of the server was not accepted, or ours cannot be used
    UNSENDABLE = "unsendable"  # the request is not one that can be sent, or the local file cannot be read
    REDIRECTS = "redirects"  # too many of them
    CANCELLED = "cancelled"  # the transport was closed


class Exchange(NamedTuple):
    """How one request ended. Network trouble is a value here, never an exception.

    ``status`` is the HTTP status; 0 with ``problem`` set where no response came. ``headers`` has lower-case names.
    A 304 has an empty body: the record that is already kept is the body.
    """

    request: Request
    status: int
    headers: Mapping[str, str]
    body: bytes
    url: PublicUrl  # after redirects, without credentials and signatures: relative links count from here
    problem: str | None = None  # one short sentence fit for a user; never holds a secret
    stale: bool = False  # the transport fell back to an older answer because the index failed
    views: Views | None = None  # what became of a page that was read where it was fetched; the body is empty then
    size: int = 0  # bytes of such a page
    kind: ProblemKind = ProblemKind.PASSING  # of ``problem``; means nothing without one

    @classmethod
    def failed(cls, request: Request, problem: str, kind: ProblemKind = ProblemKind.PASSING) -> Exchange:
        """Return the exchange of a request that no usable answer came to."""
        return cls(request, 0, {}, b"", page_address(request.url), problem, kind=kind)

    @property
    def refused(self) -> bool:
        """Say whether the index is there and would not answer us: then nothing older may stand in for its answer."""
        return self.status in _REMEDIES

    @property
    def trouble(self) -> str:
        """Return why this answer cannot be used, with the remedy where the status tells it."""
        return self.problem or f"the index answered {self.status}{_REMEDIES.get(self.status, '')}"


class Transport(Protocol):
    """Moves requests. One attempt each: retries, limits and order belong to the fetcher above.

    ``submit`` returns at once and calls ``done`` exactly once, from any thread, also after ``close`` (then with a problem).
    Nothing is raised: network trouble is a problem of the exchange, and the problem has a kind (``ProblemKind``).
    """

    name: str

    def submit(self, request: Request, done: Callable[[Exchange], None]) -> None:
        """Start the request; never raises for network conditions."""
        ...

    def close(self) -> None:
        """Abort what is under way; safe to call twice and from a signal handler's thread."""
        ...


class SourceTree(NamedTuple):
    """What a builder is given: an archive's bytes, or a folder of this machine. Nothing in it is trusted."""

    name: str  # normalised project name; "" where only the build can tell it
    label: str  # for messages: a file name, a URL without secrets, a path
    archive: bytes = b""
    folder: str = ""  # used where ``archive`` is empty; never written to
    subdirectory: str = ""  # where in it the project lies
    config_settings: tuple[tuple[str, str], ...] = ()
    environ: tuple[tuple[str, str], ...] = ()  # variables that its backend sees besides the builder's own
    version: str = ""  # of the release, where that is known before
    uploaded: str = ""  # when the archive was uploaded, ISO 8601; "" where that is unknown


class Builder(Protocol):
    """Runs a project's build backend to learn its metadata (PEP 517): the one exception to "nothing read is executed".

    ``fingerprint`` names everything of this machine that the answer may depend on: metadata is kept under it.
    """

    @property
    def fingerprint(self) -> str:
        """Return it; the same for the life of a process."""
        ...

    @property
    def allowed(self) -> bool:
        """Return whether anything may be built."""
        ...

    def build(self, tree: SourceTree) -> bytes:
        """Return METADATA; blocks; called from several threads. Raises ``BuildFailed`` or ``NeedsBuild`` (not allowed)."""
        ...

    def close(self) -> None:
        """End what is being built; safe to call twice."""
        ...


class CredentialSource(Protocol):
    """Knows who the user is to which index. Safe to call from several threads; never raises; its answers are never stored."""

    def __call__(self, url: str) -> tuple[str, str] | None:
        """Return (user, password) for a URL without asking anybody, or None."""
        ...

    def challenged(self, url: str) -> bool:  # noqa: ARG002 - a default
        """Look further after a 401, blocking; return whether there is something new to try. By default there is not."""
        return False

    def learn(self, url: str) -> str:
        """Take in the credentials that a URL holds, if any; return the URL without them. By default none are kept."""
        return url

    def secrets(self) -> tuple[str, ...]:
        """Return every password known so far, for whoever writes a log. By default none is known."""
        return ()


class MirrorObserver:
    """Hooks for progress and figures. All of them do nothing; none may raise."""

    def planned(self, kind: str, name: str) -> None:
        """Say that a fact (``kind``: "listing" or "metadata") of a project was asked for."""

    def arrived(self, kind: str, name: str, source: str) -> None:
        """Say where it came from: "store", "index", "revalidated" or "stale"."""

    def building(self, name: str) -> None:
        """Say that a build starts: of a project's release, a folder, a URL."""

    def failed(self, kind: str, name: str, reason: str) -> None:
        """Report that it is not available."""

    def warned(self, message: str) -> None:
        """Pass on one sentence the user should read."""
