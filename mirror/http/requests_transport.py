"""The portable transport: requests-cache over a pool of threads. The only file that names requests, urllib3 or requests-cache.

requests and urllib3 move bytes; requests-cache stores validators and returns "304, stale" if an index fails. Whether a request is
sent at all is decided by ``mirror.records.freshness`` for all transports. Of a response only status, headers and URL are stored,
as JSON: the body is stored as a record of the mirror.
"""

from __future__ import annotations

import base64
import json
import logging
import threading
from datetime import UTC, datetime
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
import requests_cache
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from requests_cache.backends.base import BaseCache
from requests_cache.models.response import CachedResponse

from mirror.http.body import Body
from mirror.http.problems import (
    CANCELLED,
    REDIRECTS,
    Problem,
    TransferFailed,
    problem_of,
)
from mirror.http.tls import TlsContexts
from mirror.http.worker_pool import WorkerPool
from mirror.keys import VALIDATORS
from mirror.ports import Exchange, ProblemKind
from mirror.urls import page_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirror.http.transport_settings import TransportSettings
    from mirror.ports import Request, Store

_DEFAULT_WORKERS = 10
_CHUNK = 256 * 1024  # bytes; a cancelled transfer ends between two chunks
_KEPT_HEADERS = ("etag", "last-modified", "cache-control", "content-type")
_PASSING = frozenset((408, 425, 429))  # with 5xx: the index failed, and the stored response is used


class _Job:
    """One request under way, and the state that session and adapter add to it."""

    __slots__ = ("body", "entered", "problem", "request", "validators")

    def __init__(self, request: Request) -> None:
        self.request = request
        self.body = Body(request)
        self.entered = False  # the caching layer has seen it: further requests of a redirect bypass the cache
        self.problem: Problem | None = None  # why the index failed, if it did
        asked = {name.lower(): value for name, value in request.headers}
        self.validators = (asked.get("if-none-match"), asked.get("if-modified-since"))


class _Current(threading.local):
    """The job of the calling worker thread."""

    job: _Job


class PooledTransport:
    """``mirror.ports.Transport`` over requests-cache and a pool of threads."""

    name = "requests"

    def __init__(self, settings: TransportSettings, store: Store | None = None) -> None:
        """Make the session; ``store`` keeps validators between processes (written once, on ``close``)."""
        workers = settings.workers or _DEFAULT_WORKERS
        self._settings = settings
        self._current = _Current()
        self._validators = _Validators(self._current, store)
        self._pool: WorkerPool[Request, Exchange] = WorkerPool(workers, self._perform, Exchange.failed)
        self._session = _Session(self._current, self._validators)
        adapter = _Adapter(settings, workers, self._current, self._pool)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        self._proxies: dict[str, dict[str, str]] = {}

    def submit(self, request: Request, done: Callable[[Exchange], None]) -> None:
        """Queue the request; never raises for network conditions."""
        self._pool.submit(request, done)

    def close(self) -> None:
        """Report everything under way as cancelled, at once, and let the threads end; safe to call twice."""
        if self._pool.close():
            self._validators.flush()
            self._session.close()  # type: ignore[no-untyped-call]  # requests-cache leaves it untyped

    def _perform(self, request: Request) -> Exchange:
        """Return the exchange of a request; an error becomes its ``problem``."""
        job = self._current.job = _Job(request)
        try:
            prepared = self._prepared(request)
            proxies = self._proxies_for(request.url)
            response = self._session.send(prepared, timeout=self._settings.timeout, proxies=proxies, stream=True)
        except TransferFailed as error:
            return Exchange.failed(request, *error.problem)
        except requests.TooManyRedirects:
            return Exchange.failed(request, *REDIRECTS)
        except (requests.RequestException, ValueError) as error:
            problem = f"the request cannot be sent ({type(error).__name__})"
            return Exchange.failed(request, problem, ProblemKind.UNSENDABLE)
        except Exception as error:  # noqa: BLE001 - a worker that raises would never report its job
            return Exchange.failed(request, f"{type(error).__name__} in the HTTP library")
        return _exchange(job, response)

    def _prepared(self, request: Request) -> requests.PreparedRequest:
        headers = {"User-Agent": self._settings.user_agent, "Accept-Encoding": "gzip, deflate"}
        headers |= dict(request.headers)
        if any(name.lower() == "range" for name, _ in request.headers):
            headers["Accept-Encoding"] = "identity"  # a range counts bytes of the unencoded file
        pair = self._settings.auth(request.url) if self._settings.auth is not None else None
        if pair is not None:
            headers["Authorization"] = _basic_authorization(*pair)
        return requests.Request(request.method, request.url, headers=headers).prepare()

    def _proxies_for(self, url: str) -> dict[str, str]:
        """Return the proxy settings for a URL; the environment is read once per host."""
        if self._settings.proxy:
            return {"http": self._settings.proxy, "https": self._settings.proxy}
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._proxies:
            self._proxies[origin] = dict(get_environ_proxies(origin))
        return self._proxies[origin]


class _Session(requests_cache.CachedSession):
    """A caching session; requests without a cache key, and the later hops of a redirect, bypass the cache."""

    def __init__(self, current: _Current, validators: _Validators) -> None:
        super().__init__(
            backend=validators,
            cache_control=True,
            always_revalidate=True,  # the caller sends a request only if its record is stale
            stale_if_error=True,
            allowable_codes=[code for code in range(200, 500) if code not in _PASSING],
        )
        self._current = current
        self.trust_env = False  # no netrc: credentials come from ``auth`` alone; proxies are passed with each request
        self.headers.clear()
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:  # the signature of requests
        """Send one request."""
        job = self._current.job
        if job.entered or job.request.cache_key is None:
            return requests.Session.send(self, request, *args, **kwargs)
        job.entered = True
        return super().send(request, *args, **kwargs)


class _Validators(BaseCache):
    """requests-cache's backend: stores status, URL and a few headers of successful responses, as JSON, in the mirror's store.

    A request gets an entry only if it carries the same validators: then the caller's record and the entry belong to the same
    response. Nothing is written before ``flush``, so that workers never wait for a disk.
    """

    def __init__(self, current: _Current, store: Store | None) -> None:
        super().__init__("validators")
        self._current = current
        self._store = store
        self._new: dict[str, bytes] = {}

    def create_key(self, *_: Any, **__: Any) -> str:  # requests-cache's signature
        """Return the cache key of the request; requests-cache does not vary it."""
        return VALIDATORS.key(str(self._current.job.request.cache_key))

    def get_response(self, key: str, default: None = None) -> CachedResponse | None:
        """Return the stored response, without a body."""
        if self._current.job.validators == (None, None):
            return default
        data = self._new.get(key) or (self._store.get_many((key,)).get(key) if self._store is not None else None)
        entry = _decoded(data)
        if entry is None or (entry[1].get("etag"), entry[1].get("last-modified")) != self._current.job.validators:
            return default
        url, headers = entry
        past = datetime.fromtimestamp(0, UTC)  # stale: freshness is decided above
        response = CachedResponse(content=b"", status_code=200, url=url, expires=past)
        response.headers.update(headers)
        return response

    def save_response(self, response: Any, cache_key: str | None = None, expires: datetime | None = None) -> None:  # noqa: ARG002 - as above
        """Keep a successful response that has a validator."""
        headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
        if cache_key and response.status_code == 200 and ("etag" in headers or "last-modified" in headers):
            self._new[cache_key] = json.dumps([page_address(response.url), headers]).encode()

    def flush(self) -> None:
        """Write what is new to the store, in one transaction."""
        if self._store is not None and self._new:
            self._store.put_many(self._new)


class _Adapter(HTTPAdapter):
    """Reads bodies within their limit, maps errors to problems, and shares one TLS context among all connections."""

    def __init__(
        self, settings: TransportSettings, size: int, current: _Current, pool: WorkerPool[Request, Exchange]
    ) -> None:
        self._current = current
        self._pool = pool
        self._tls = TlsContexts(settings)
        super().__init__(pool_connections=size, pool_maxsize=size)

    def build_connection_pool_key_attributes(
        self,
        request: requests.PreparedRequest,
        *_: Any,  # requests' signature
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the TLS context for a host; it is shared, because loading a CA bundle takes 20 ms."""
        parts = urlsplit(request.url or "")
        host = {"scheme": parts.scheme, "host": parts.hostname, "port": parts.port}
        if parts.scheme != "https":
            return host, {}
        checked = self._tls.checks(parts)
        context = self._tls.context(checked=checked)
        return host, {"ssl_context": context, "cert_reqs": "CERT_REQUIRED" if checked else "CERT_NONE"}

    def cert_verify(self, *_: Any) -> None:  # requests' signature
        """Do nothing: the connection's TLS context has the CA bundle already."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send one request and read its whole body, or raise ``TransferFailed``."""
        job = self._current.job
        try:
            response = super().send(request, *args, **kwargs | {"stream": True})
            self._read(response, job)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)):
                raise
            own = error.problem if isinstance(error, TransferFailed) else None
            job.problem = own or problem_of(error, request.url or "")
            raise TransferFailed(job.problem) from error
        if response.status_code in _PASSING or response.status_code >= 500:
            job.problem = Problem(f"the index answered {response.status_code}")
        return response

    def _read(self, response: requests.Response, job: _Job) -> None:
        """Read the whole body; urllib3 raises if it is shorter than Content-Length."""
        job.body.close()
        job.body = Body(job.request)  # not that of a redirect
        try:
            for chunk in response.iter_content(_CHUNK):
                if self._pool.closed:
                    raise TransferFailed(CANCELLED)  # noqa: TRY301 - cleaned up below like a body past its limit
                job.body.write(chunk)
        except TransferFailed:
            job.body.close()
            response.close()
            raise


def _exchange(job: _Job, response: Any) -> Exchange:  # requests' or requests-cache's response
    """Return the exchange of a response. A cached response means that the caller's record is current, or stale but usable."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    if not isinstance(response, CachedResponse):
        return job.body.exchange(response.status_code, headers, page_address(response.url))
    if response.revalidated:
        return Exchange(job.request, 304, headers, b"", page_address(response.url))
    problem, kind = job.problem or Problem("the index failed")
    return Exchange(job.request, 304, headers, b"", page_address(response.url), problem, stale=True, kind=kind)


def _decoded(data: bytes | None) -> tuple[str, dict[str, str]] | None:
    """Return URL and headers of a stored response; None if there is none or it is damaged."""
    try:
        match json.loads(data or b"null"):
            case [str() as url, dict() as headers]:
                return url, headers
    except ValueError:
        return None
    return None


# requests-cache logs every fallback with a traceback; the exchange has the problem already.
logging.getLogger("requests_cache").setLevel(logging.CRITICAL)
urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # only for hosts that the user trusts by name


def _basic_authorization(user: str, password: str) -> str:
    """Return the value of a Basic Authorization header (RFC 7617), in UTF-8."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
