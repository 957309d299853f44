"""The asynchronous transport: aiohttp in an event loop of its own, in one thread. The only file that names aiohttp or yarl.

An extra (``pipx-parallel[aiohttp]``): HTTP without libcurl and without one thread a request. docs/performance.md compares the
transports. Redirects are followed here and not by aiohttp, so that certificate check and credentials are decided for each hop.
"""

from __future__ import annotations

import asyncio
import base64
import threading
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import yarl

from mirror.http.body import Body
from mirror.http.problems import (
    CANCELLED,
    CLOSED,
    NO_ADDRESS,
    REDIRECTS,
    TransferFailed,
    problem_of,
)
from mirror.http.tls import TlsContexts
from mirror.ports import Exchange, ProblemKind
from mirror.urls import page_address

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from mirror.http.transport_settings import TransportSettings
    from mirror.ports import Request

_DEFAULT_WORKERS = 50  # the fetcher also bounds the requests under way; no measurement gained from more
_BUFFER = 512 * 1024
_LONGEST_HEADER = 64 * 1024  # bytes of one header line; libcurl has the same limit
_REDIRECTS = 10
_MOVED = frozenset((301, 302, 303, 307, 308))
_ENDING = 2.0  # seconds that closing waits for the loop


class _Job:
    """One request under way, and the callback for its exchange."""

    __slots__ = ("done", "request")

    def __init__(self, request: Request, done: Callable[[Exchange], None]) -> None:
        self.request = request
        self.done = done


class AiohttpTransport:
    """``mirror.ports.Transport`` over aiohttp. One thread runs every transfer; ``submit`` may be called from any thread."""

    name = "aiohttp"

    def __init__(self, settings: TransportSettings) -> None:
        """Start the loop's thread; connections are made when the first request asks for one."""
        self._settings = settings
        self._workers = settings.workers or _DEFAULT_WORKERS
        self._open: dict[_Job, None] = {}
        self._lock = threading.RLock()  # re-entrant: close() may come from a signal handler of the thread in submit()
        self._closed = False
        self._tls = TlsContexts(settings)
        self._proxies: dict[tuple[str, str], str | None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._bound = asyncio.Semaphore(self._workers)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="mirror-aiohttp", daemon=True)
        self._thread.start()

    def submit(self, request: Request, done: Callable[[Exchange], None]) -> None:
        """Start the request; never raises for network conditions."""
        job = _Job(request, done)
        with self._lock:
            if not self._closed:
                self._open[job] = None
                self._loop.call_soon_threadsafe(self._start, job)
                return
        done(Exchange.failed(request, *CLOSED))

    def close(self) -> None:
        """Answer everything under way with "cancelled", at once, then end the loop; safe to call twice."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            cancelled = list(self._open)
            self._open.clear()
            self._loop.call_soon_threadsafe(self._loop.stop)
        for job in cancelled:
            job.done(Exchange.failed(job.request, *CANCELLED))
        if threading.current_thread() is not self._thread:
            self._thread.join(_ENDING)

    # --- in the loop's thread -----------------------------------------------------------------------------------------

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.run_until_complete(self._ended())
        self._loop.close()

    def _made(self) -> aiohttp.ClientSession:
        """Make the session: no cookies, no netrc, no headers but those of the request; credentials come from ``auth`` alone."""
        silence = self._settings.timeout
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._workers, ttl_dns_cache=None),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent", "Content-Type"),
            # No request waits for a free connection: the limit is the number of workers. "connect" includes name lookup.
            timeout=aiohttp.ClientTimeout(total=None, connect=silence, sock_connect=silence, sock_read=silence),
            read_bufsize=_BUFFER,
            max_line_size=_LONGEST_HEADER,
            max_field_size=_LONGEST_HEADER,
        )

    async def _ended(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def _start(self, job: _Job) -> None:
        if self._session is None:  # aiohttp requires a running loop
            self._session = self._made()
        task = self._loop.create_task(self._perform(job, self._session))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _perform(self, job: _Job, session: aiohttp.ClientSession) -> None:
        """Make one exchange and report it, unless ``close`` has reported the request as cancelled."""
        async with self._bound:
            exchange = await self._exchange(job.request, session)
        with self._lock:
            is_open = job in self._open
            self._open.pop(job, None)
        if is_open:
            job.done(exchange)

    async def _exchange(self, request: Request, session: aiohttp.ClientSession) -> Exchange:
        """Return the exchange of a request; an error becomes its ``problem``."""
        try:
            return await self._followed(request, session)
        except TransferFailed as error:
            return Exchange.failed(request, *error.problem)
        except aiohttp.InvalidURL:
            return Exchange.failed(request, *NO_ADDRESS)
        except (aiohttp.ClientError, OSError) as error:
            return Exchange.failed(request, *problem_of(error, request.url))
        except (ValueError, TypeError) as error:  # after the others: some certificate errors are subclasses
            problem = f"the request cannot be sent ({type(error).__name__})"
            return Exchange.failed(request, problem, ProblemKind.UNSENDABLE)
        except Exception as error:  # noqa: BLE001 - a job that raises would never be reported
            return Exchange.failed(request, f"{type(error).__name__} in the HTTP library")

    async def _followed(self, request: Request, session: aiohttp.ClientSession) -> Exchange:
        """Send the request and follow redirects; credentials are not sent to another origin."""
        url, headers = request.url, self._headers(request)
        for _ in range(_REDIRECTS + 1):
            parts = urlsplit(url)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise TransferFailed(NO_ADDRESS)
            async with session.request(
                request.method, yarl.URL(url, encoded=True), headers=headers, allow_redirects=False,
                proxy=self._proxy_for(parts.scheme, parts.hostname), ssl=self._context_for(url),
            ) as response:  # fmt: skip
                target = response.headers.get("Location")
                if response.status not in _MOVED or target is None:
                    body = await _body(request, response)
                    received = {name.lower(): value for name, value in response.headers.items()}
                    return body.exchange(response.status, received, page_address(url))
                await response.read()  # so that the connection can be reused
            following = urljoin(url, target).partition("#")[0]
            if _origin(following) != _origin(url):
                headers.pop("Authorization", None)
            url = following
        raise TransferFailed(REDIRECTS)

    def _headers(self, request: Request) -> dict[str, str]:
        ranged = any(
            name.lower() == "range" for name, _ in request.headers
        )  # a range counts bytes of the unencoded file
        headers = {
            "User-Agent": self._settings.user_agent,
            "Accept-Encoding": "identity" if ranged else "gzip, deflate",
            **dict(request.headers),
        }
        pair = self._settings.auth(request.url) if self._settings.auth is not None else None
        if pair is not None:
            headers["Authorization"] = "Basic " + base64.b64encode(":".join(pair).encode()).decode()  # RFC 7617: UTF-8
        return headers

    def _proxy_for(self, scheme: str, host: str) -> str | None:
        """Return the proxy of the settings, else of the environment, which is read once per host."""
        if (scheme, host) not in self._proxies:
            named = self._settings.proxy or (None if proxy_bypass(host) else _of_environment(scheme))
            self._proxies[scheme, host] = f"http://{named}" if named and "://" not in named else named
        return self._proxies[scheme, host]

    def _context_for(self, url: str) -> ssl.SSLContext | bool:
        """Return the TLS context for a host; it is shared, because loading a CA bundle takes 20 ms."""
        parts = urlsplit(url)
        if parts.scheme != "https":
            return True
        return self._tls.context(checked=self._tls.checks(parts))


async def _body(request: Request, response: aiohttp.ClientResponse) -> Body:
    """Read the whole body; aiohttp raises if it is shorter than Content-Length."""
    body = Body(request)
    try:
        async for chunk in response.content.iter_any():
            body.write(chunk)
    except BaseException:  # cancelled too
        body.close()
        response.close()
        raise
    return body


def _of_environment(scheme: str) -> str | None:
    proxies = getproxies()
    return proxies.get(scheme) or proxies.get("all")


def _origin(url: str) -> tuple[str, str | None, int | None]:
    """Return the origin of a URL: scheme, host and port."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
