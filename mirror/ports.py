"""The protocols of the mirror, each with its whole contract. A member that not every implementation needs has a default here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from io import BytesIO
from typing import BinaryIO, Protocol

from mirror.equality import NamedTuple
from mirror.urls import PublicUrl, page_address


class Store(Protocol):
    """Bytes under string keys, safe for several processes and several threads at once.

    Values are ``bytes``; nothing is unpickled. Every method but ``close`` may raise ``StoreError``, ``get_many`` and ``scan`` of a
    store that verifies also ``Integrity``; nothing else. A batch is atomic; a store that ``discards`` accepts it.
    """

    repacks: bool = False  # file views are packed again when they are read, so their digest verifies nothing
    discards: bool = False  # what is written is not kept

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the stored values; absent keys are left out."""
        ...

    def put_many(self, items: Mapping[str, bytes]) -> None:  # noqa: ARG002 - a default, as below
        """Write all items in one transaction."""
        return

    def update(self, changes: Mapping[str, Callable[[bytes | None], bytes | None]]) -> None:  # noqa: ARG002 - a default
        """Read, change and write each key in one transaction; a change that returns None leaves its key as it is.

        An exception of a change is passed on, and then nothing is written. After a conflict all changes are called again, in order.
        """
        return

    def delete_many(self, keys: Iterable[str]) -> int:  # noqa: ARG002 - a default
        """Remove the keys that exist, in one transaction; return their number."""
        return 0

    def scan(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Yield (key, size in bytes) of every key with the prefix, sorted by key."""
        ...

    def close(self) -> None:
        """Release the storage; safe to call twice. Never raises."""
        ...

    def prepare(self) -> None:
        """Create now what the first write would create. The default does nothing."""
        return

    def end_thread(self) -> None:
        """Release what only the calling thread has open, since it ends. Never raises. The default does nothing."""
        return

    def expect(self, extras: Mapping[str, tuple[str, ...]]) -> None:  # noqa: ARG002 - a default
        """Take note of the extras of projects that will be asked for, to read more at once. The default does nothing."""
        return

    def prefetch_files(self, rows: Iterable[tuple[str, str]]) -> None:  # noqa: ARG002 - a default, not a duty
        """Fetch the files of each (key of a file view, version) ahead, since they will be read. The default does nothing."""
        return

    def check(self) -> bool:
        """Return whether the storage is still the one that was opened. Raises ``StoreError`` if it cannot be used; never waits."""
        return True

    def warning(self) -> str:
        """Return a warning about the storage for the user, or "" (the default)."""
        return ""

    def decoded(self, key: str) -> object | None:  # noqa: ARG002 - a default
        """Return the release view that a ``get_many`` decoded to verify it, once, to be owned by the caller; by default None."""
        return None

    def heads(self, keys: Iterable[str], size: int) -> dict[str, bytes]:  # noqa: ARG002 - a default
        """Return the first bytes of stored values; the default, of a store that cannot read a part of a value, none."""
        return {}

    def version(self) -> object | None:
        """Return a value that changes when anything stored changes, or None (the default) if the store has no such value."""
        return None


Intervals = tuple[tuple[str, str], ...]  # the intervals of a ``mirror.records.model.CompiledSpecifier``


class PageWish(NamedTuple):
    """Marks a request for a project's page, and says how much of the page is stored."""

    name: str  # the normalised name of the project
    whole: bool = False  # store the files of every release, not only of the newest
    classified: bool = False  # classify the files of every release, not only of the newest
    # The intervals of the requested specifiers: the newest release that all of them admit is stored too.
    admits: tuple[Intervals, ...] = ()
    before: int = 0  # epoch seconds, 0: any time; what was uploaded before counts as the newest


class Views(NamedTuple):
    """The views made of a project's page: the encoded release view and the packed file view, or the error."""

    view: bytes
    files: bytes
    error: str | None = None
    signed: Mapping[str, str] = {}  # signed URLs of its files, by the URL without signature: never stored
    undated: tuple[str, ...] = ()  # SHA-256 of the files without upload time


class Purpose(Enum):
    """The purpose of a request."""

    PAGES = "project pages"
    METADATA = "metadata"
    SOURCES = "source archives"
    DIRECT = "direct references"
    OTHER = "other"


class Request(NamedTuple):
    """One complete HTTP request: a transport adds only authentication and connection headers."""

    url: str  # http(s):// without credentials
    headers: tuple[tuple[str, str], ...] = ()
    method: str = "GET"
    cache_key: str | None = None  # the key of the stored validators; None: this exchange is never cached
    limit: int | None = None  # bytes of the decoded body; a longer body aborts the transfer with a problem
    fallback: bool = False  # an older response can be used instead, so few retries are made
    page: PageWish | None = None  # set for a project's page: a transport may return its views instead of its body
    purpose: Purpose = Purpose.OTHER
    spool: bool = False  # a transport may return the body as a file instead of bytes: it may be larger than memory


class Work(NamedTuple):
    """A build or a clone in a local thread, never retried. The generator that yields it receives what ``do`` returns or raises."""

    what: str
    do: Callable[[], bytes]


_REMEDIES = {
    401: ": it wants credentials; give them in its URL, in a netrc file, or by keyring",
    403: ": it refuses access; check the credentials in its URL, in a netrc file, or in keyring",
}
_PROXY = 407
_OF_PROXY = ": it wants credentials; give them in the URL of --proxy or http_proxy"
_REJECTED = ": it does not accept the credentials that you gave; check user and password in its URL, in a netrc file, or in keyring"


class ProblemKind(Enum):
    """The kind of a problem. Code decides by the kind, never by the text of the message."""

    PASSING = "passing"  # the same request may succeed later
    TOO_LARGE = "too large"  # the body is longer than the request's limit
    TLS = "tls"  # the server's certificate or encryption was not accepted, or the client certificate cannot be used
    UNSENDABLE = "unsendable"  # the request cannot be sent, or the local file cannot be read
    REDIRECTS = "redirects"  # too many redirects
    CANCELLED = "cancelled"  # the transport was closed


class Exchange(NamedTuple):
    """The result of one request. A network error is a value here, never an exception.

    ``status`` is the HTTP status, or 0 with ``problem`` set if no response came. ``headers`` has lower-case names.
    A 304 has an empty body: the stored record is still valid.
    """

    request: Request
    status: int
    headers: Mapping[str, str]
    body: bytes
    url: PublicUrl  # after redirects, without credentials and signatures: the base of relative links
    problem: str | None = None  # one short sentence for the user, without secrets
    stale: bool = False  # the transport used an older response because the index failed
    views: Views | None = None  # set if the transport parsed the page; the body is empty then
    size: int = 0  # bytes of a page that the transport parsed, or of ``file``
    kind: ProblemKind = ProblemKind.PASSING  # of ``problem``; no meaning without a problem
    rejected: bool = False  # a 401 although the user's credentials were sent
    file: BinaryIO | None = None  # the body of a request that allows it, read from its start; ``body`` is empty then

    def opened(self) -> BinaryIO:
        """Return the body as a file, which the caller closes."""
        return BytesIO(self.body) if self.file is None else self.file

    @classmethod
    def failed(cls, request: Request, problem: str, kind: ProblemKind = ProblemKind.PASSING) -> Exchange:
        """Return the exchange of a request that has no usable response."""
        return cls(request, 0, {}, b"", page_address(request.url), problem, kind=kind)

    @property
    def refused(self) -> bool:
        """Return whether the index refused access (401, 403). Then an older response may not be used instead."""
        return self.status in _REMEDIES

    @property
    def trouble(self) -> str:
        """Return why this response cannot be used, with the remedy if the status has one."""
        remedy = _REJECTED if self.rejected else _REMEDIES.get(self.status, _OF_PROXY if self.status == _PROXY else "")
        who = "the proxy" if self.status == _PROXY else "the index"
        return self.problem or f"{who} answered {self.status}{remedy}"


class Transport(Protocol):
    """Sends requests, one attempt each. The fetcher decides on retries, limits and order.

    ``submit`` returns at once and calls ``done`` exactly once, from any thread. After ``close`` it calls ``done`` with a problem.
    Nothing is raised: a network error is the ``problem`` of the exchange, and has a ``ProblemKind``.
    """

    name: str

    def submit(self, request: Request, done: Callable[[Exchange], None]) -> None:
        """Start the request; never raises for a network error."""
        ...

    def close(self) -> None:
        """Abort the running requests; safe to call twice and from the thread of a signal handler."""
        ...


class SourceTree(NamedTuple):
    """The input of a builder: an archive, or a local folder. Its content is untrusted."""

    name: str  # normalised project name; "" if only the build can give it
    label: str  # for messages: a file name, a URL without secrets, a path
    archive: BinaryIO | None = None  # read from its start
    folder: str = ""  # used if there is no archive; never written to
    subdirectory: str = ""  # the folder of the project within the archive or folder
    config_settings: tuple[tuple[str, str], ...] = ()
    environ: tuple[tuple[str, str], ...] = ()  # environment variables of its backend, in addition to the builder's
    version: str = ""  # of the release; "" if unknown before the build
    uploaded: str = ""  # the upload time of the archive, ISO 8601; "" if unknown


class Builder(Protocol):
    """Runs a project's build backend to get its metadata (PEP 517). Nothing else of the mirror executes what it reads."""

    @property
    def fingerprint(self) -> str:
        """Return a text that names everything on this machine that built metadata depends on; it is stored under it."""
        ...

    @property
    def allowed(self) -> bool:
        """Return whether anything may be built."""
        ...

    def build(self, tree: SourceTree) -> bytes:
        """Build and return METADATA; blocks, in any thread. Raises ``BuildFailed``, or ``NeedsBuild`` if builds are not allowed."""
        ...

    def close(self) -> None:
        """Stop the running builds; safe to call twice."""
        ...


class CredentialSource(Protocol):
    """Gives the user's credentials for a URL. Safe to call from several threads; never raises; credentials are never stored."""

    def __call__(self, url: str) -> tuple[str, str] | None:
        """Return (user, password) for a URL, or None. Never prompts the user or runs a program."""
        ...

    def challenged(self, url: str) -> bool:  # noqa: ARG002 - a default
        """Search slower sources after a 401; return whether there are new credentials to try. The default has none."""
        return False

    def learn(self, url: str) -> str:
        """Store the credentials of a URL in memory, if it has any; return the URL without them. The default stores none."""
        return url

    def secrets(self) -> tuple[str, ...]:
        """Return every password in memory, so that a log can leave them out. The default has none."""
        return ()


class MirrorObserver:
    """Hooks for progress and statistics. All of them do nothing; none may raise."""

    def planned(self, kind: str, name: str) -> None:
        """Report that a fact of a project (``kind``: "listing" or "metadata") is requested."""

    def arrived(self, kind: str, name: str, source: str) -> None:
        """Report the source of a fact: "store", "index", "revalidated" or "stale"."""

    def building(self, name: str) -> None:
        """Report that a build starts: of a project's release, a folder or a URL."""

    def built(self, name: str) -> None:
        """Report that this build has ended, with or without success."""

    def failed(self, kind: str, name: str, reason: str) -> None:
        """Report that a fact is not available."""

    def warned(self, message: str) -> None:
        """Report a warning for the user, one sentence."""
