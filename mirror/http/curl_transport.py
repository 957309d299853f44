"""The fast transport: libcurl's multi interface in one thread, HTTP/2 if the index supports it.

The only file that names pycurl. Measured with 171 index pages: 0.17 s over one connection; ten threads over requests take
1.1 s. Decryption, framing and decompression run in C without the interpreter lock.
"""

from __future__ import annotations

import os
import re
import select
import socket
import threading
import time
from collections import deque
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pycurl

from mirror.http.curl_transfer import Transfer
from mirror.http.problems import CANCELLED, CLOSED, REDIRECTS
from mirror.http.proxies import upper_case_proxy
from mirror.http.tls import ca_bundle, ca_folder
from mirror.ports import Exchange, ProblemKind
from mirror.urls import page_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirror.http.transport_settings import TransportSettings
    from mirror.ports import Request

_CONNECTIONS = 50  # per host, HTTP/1.1; an HTTP/2 index needs one
_BUFFER = 512 * 1024
_LONGEST_WAIT = 1.0  # seconds the loop sleeps with nothing to do
_REDIRECTS = 10

# libcurl's error codes that a retry cannot mend; every other error is transient.
_KINDS = {
    ProblemKind.TLS: (
        pycurl.E_PEER_FAILED_VERIFICATION, pycurl.E_SSL_CERTPROBLEM, pycurl.E_SSL_CACERT_BADFILE,
        pycurl.E_SSL_ISSUER_ERROR, pycurl.E_SSL_CIPHER,
    ),
    ProblemKind.UNSENDABLE: (pycurl.E_URL_MALFORMAT, pycurl.E_UNSUPPORTED_PROTOCOL),
    ProblemKind.REDIRECTS: (pycurl.E_TOO_MANY_REDIRECTS,),
}  # fmt: skip

_UNPACKING = (pycurl.E_BAD_CONTENT_ENCODING, pycurl.E_WRITE_ERROR)


class CurlTransport:
    """``mirror.ports.Transport`` over libcurl. One thread runs every transfer; ``submit`` may be called from any thread."""

    name = "curl"

    def __init__(self, settings: TransportSettings) -> None:
        """Start the loop's thread; connections are made when the first request asks for one."""
        self._settings = settings
        self._folder = ca_folder() if settings.verify is True else None
        self._bundle = settings.verify if isinstance(settings.verify, str) else ca_bundle() if settings.verify else None
        self._inbox: deque[Transfer] = deque()
        self._closed = False
        self._sleeping = False
        self._next_look = 0.0  # monotonic seconds
        self._reader, self._waker = socket.socketpair()
        self._reader.setblocking(False)  # noqa: FBT003 - socket's own signature
        self._waker.setblocking(False)  # noqa: FBT003 - as above
        self._thread = threading.Thread(target=self._run, name="mirror-curl", daemon=True)
        self._thread.start()

    def submit(self, request: Request, done: Callable[[Exchange], None]) -> None:
        """Start the request; never raises for network conditions."""
        if self._closed:
            done(Exchange.failed(request, *CLOSED))
            return
        self._inbox.append(Transfer(request, done))
        if self._sleeping:  # the loop checks the inbox after it sets this flag, so no request is missed
            self._sleeping = False  # one wake-up is enough for all requests until the loop sleeps again
            self._wake()

    def close(self) -> None:
        """Abort what is under way; safe to call twice."""
        if not self._closed:
            self._closed = True
            self._wake()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=2.0)

    def _wake(self) -> None:
        try:
            self._waker.send(b"x")
        except OSError:  # a full buffer wakes the loop too; a closed socket means that the loop has ended
            return

    def _run(self) -> None:
        """Run the loop: start new requests, let libcurl transfer, report what ended, sleep until a socket is ready."""
        multi = pycurl.CurlMulti()
        multi.setopt(pycurl.M_PIPELINING, 2)  # multiplex: many requests over one HTTP/2 connection
        # Also bounds the transfers over HTTP/2, which the number of connections does not.
        most = min(self._settings.workers or _CONNECTIONS, _CONNECTIONS)
        multi.setopt(pycurl.M_MAX_HOST_CONNECTIONS, most)
        active: dict[pycurl.Curl, Transfer] = {}
        idle: list[pycurl.Curl] = []
        while not self._closed:
            while self._inbox and len(active) < most:
                self._start(multi, active, idle)
            multi.perform()
            self._collect(multi, active, idle)
            self._give_up(multi, active, idle)
            self._sleeping = True
            if not self._closed and not (self._inbox and len(active) < most):
                self._sleep(multi)
            self._sleeping = False
        for curl, transfer in active.items():
            multi.remove_handle(curl)
            transfer.done(Exchange.failed(transfer.request, *CANCELLED))
        for transfer in self._inbox:
            transfer.done(Exchange.failed(transfer.request, *CANCELLED))
        multi.close()
        self._reader.close()
        self._waker.close()

    def _start(self, multi: pycurl.CurlMulti, active: dict[pycurl.Curl, Transfer], idle: list[pycurl.Curl]) -> None:
        transfer = self._inbox.popleft()
        curl = idle.pop() if idle else pycurl.Curl()
        try:
            self._configure(curl, transfer)
            multi.add_handle(curl)
        except (pycurl.error, UnicodeError, ValueError) as error:
            problem = f"the request cannot be sent: {error}"
            transfer.done(Exchange.failed(transfer.request, problem, ProblemKind.UNSENDABLE))
            return
        transfer.curl = curl
        active[curl] = transfer

    def _collect(self, multi: pycurl.CurlMulti, active: dict[pycurl.Curl, Transfer], idle: list[pycurl.Curl]) -> None:
        more = 1
        while more:
            more, succeeded, failed = multi.info_read()
            for curl in succeeded:
                multi.remove_handle(curl)
                transfer = active.pop(curl)
                onward = curl.getinfo(pycurl.REDIRECT_URL)  # set if libcurl does not follow redirects
                exchange = _answered(transfer, curl)
                curl.reset()
                idle.append(curl)
                if onward and transfer.hops < _REDIRECTS:
                    self._inbox.appendleft(Transfer(transfer.request, transfer.done, onward, transfer.hops + 1))
                else:
                    stopped = Exchange.failed(transfer.request, *REDIRECTS)
                    transfer.done(stopped if onward else exchange)
            for curl, code, message in failed:
                multi.remove_handle(curl)
                transfer = active.pop(curl)
                curl.reset()
                idle.append(curl)
                if code in _UNPACKING and not transfer.raw and transfer.has_unknown_encoding():
                    transfer.body.close()
                    self._inbox.appendleft(
                        Transfer(transfer.request, transfer.done, transfer.url, transfer.hops, raw=True)
                    )
                else:
                    transfer.done(_failed(transfer, code, message))

    def _give_up(self, multi: pycurl.CurlMulti, active: dict[pycurl.Curl, Transfer], idle: list[pycurl.Curl]) -> None:
        """End transfers that have stalled.

        libcurl's own limit is on the mean speed of five seconds, so a slow trickle passes it; the setting is the number of
        seconds without a byte.
        """
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + _LONGEST_WAIT
        late = [
            curl
            for curl, transfer in active.items()
            if transfer.heard and now - transfer.heard > self._settings.timeout
        ]
        for curl in late:
            multi.remove_handle(curl)
            transfer = active.pop(curl)
            curl.reset()
            idle.append(curl)
            transfer.done(Exchange.failed(transfer.request, "timed out"))

    def _sleep(self, multi: pycurl.CurlMulti) -> None:
        readable, writable, broken = multi.fdset()
        wait = multi.timeout()
        seconds = _LONGEST_WAIT if wait < 0 else min(wait / 1000, _LONGEST_WAIT)
        ready, _, _ = select.select([self._reader, *readable], writable, broken, seconds)
        if self._reader in ready:
            try:
                while self._reader.recv(4096):
                    pass
            except BlockingIOError:
                return

    def _configure(self, curl: pycurl.Curl, transfer: Transfer) -> None:
        """Set every option of a transfer; a handle is reset between two transfers."""
        settings, request = self._settings, transfer.request
        host = urlsplit(transfer.url)
        curl.setopt(pycurl.URL, transfer.url)
        if request.method == "HEAD":
            curl.setopt(pycurl.NOBODY, 1)
        curl.setopt(pycurl.HTTPHEADER, [f"{name}: {value}" for name, value in request.headers])
        curl.setopt(pycurl.USERAGENT, settings.user_agent)
        if not transfer.raw and not any(name.lower() == "range" for name, _ in request.headers):
            curl.setopt(pycurl.ACCEPT_ENCODING, "")  # a range counts bytes of the unencoded file
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
        curl.setopt(pycurl.PIPEWAIT, int(host.scheme == "https"))  # HTTP/2 is negotiated in TLS only
        trusted = settings.trusts(host)
        # libcurl would skip the certificate check for the target of a redirect too, so it does not follow from a trusted host.
        curl.setopt(pycurl.FOLLOWLOCATION, int(not trusted))
        curl.setopt(pycurl.MAXREDIRS, _REDIRECTS)
        curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        curl.setopt(pycurl.REDIR_PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.BUFFERSIZE, _BUFFER)
        curl.setopt(pycurl.CONNECTTIMEOUT_MS, int(settings.timeout * 1000))
        curl.setopt(pycurl.LOW_SPEED_LIMIT, 1)
        curl.setopt(pycurl.LOW_SPEED_TIME, max(1, int(settings.timeout)))
        curl.setopt(pycurl.WRITEFUNCTION, transfer.write)
        curl.setopt(pycurl.HEADERFUNCTION, transfer.header)
        if proxy := settings.proxy or upper_case_proxy(host.scheme):
            curl.setopt(pycurl.PROXY, proxy)
        if settings.proxy:
            curl.setopt(pycurl.NOPROXY, "")  # a proxy of the settings overrides no_proxy, as in pip
        if settings.client_cert:
            curl.setopt(pycurl.SSLCERT, settings.client_cert)
        if self._bundle:
            curl.setopt(pycurl.CAPATH if os.path.isdir(self._bundle) else pycurl.CAINFO, self._bundle)
        if self._folder:
            curl.setopt(pycurl.CAPATH, self._folder)
        if trusted or settings.verify is False:
            curl.setopt(pycurl.SSL_VERIFYPEER, 0)
            curl.setopt(pycurl.SSL_VERIFYHOST, 0)
        same_origin = urlsplit(request.url)[:2] == host[:2]  # no credentials after a redirect to another origin
        pair = settings.auth(request.url) if settings.auth is not None and same_origin else None
        if pair is not None:
            curl.setopt(pycurl.HTTPAUTH, pycurl.HTTPAUTH_BASIC)
            curl.setopt(pycurl.USERNAME, pair[0].encode())
            curl.setopt(pycurl.PASSWORD, pair[1].encode())


def _answered(transfer: Transfer, curl: pycurl.Curl) -> Exchange:
    """Return the exchange of a transfer that ended with a response."""
    status = curl.getinfo(pycurl.RESPONSE_CODE)
    return transfer.body.exchange(status, transfer.headers, page_address(curl.getinfo(pycurl.EFFECTIVE_URL)))


def _failed(transfer: Transfer, code: int, message: str) -> Exchange:
    """Return the exchange of a transfer that failed, from libcurl's error code."""
    transfer.body.close()
    if transfer.problem is not None:
        return Exchange.failed(transfer.request, *transfer.problem)
    kind = next((kind for kind, codes in _KINDS.items() if code in codes), ProblemKind.PASSING)
    return Exchange.failed(transfer.request, _explain(code, message), kind)


def _explain(code: int, message: str) -> str:
    """Return libcurl's error as one sentence; quoted parts are removed, they may be a proxy URL with a password."""
    if code == pycurl.E_PARTIAL_FILE:
        return "the answer was cut short"
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return "timed out"
    if code in _UNPACKING:
        return "the answer cannot be unpacked"
    return re.sub(r"'[^']*'|\"[^\"]*\"", "...", message) or f"libcurl error {code}"
