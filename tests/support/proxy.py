"""A forward proxy on loopback that wants a password: plain HTTP only, which is what an index on loopback speaks."""

from __future__ import annotations

import base64
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

_HOP = ("connection", "proxy-authorization", "proxy-connection", "transfer-encoding", "content-length", "host")


class LoopbackProxy:
    """Forwards GET requests that carry ``user`` and ``password``; ``seen`` holds every URL that was asked for."""

    def __init__(self, user: str, password: str) -> None:
        """Bind any free port."""
        self.seen: list[str] = []
        wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        seen = self.seen

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if self.headers.get("Proxy-Authorization") != wanted:
                    self._send(407, b"who are you?", [("Proxy-Authenticate", 'Basic realm="proxy"')])
                    return
                seen.append(self.path)
                headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
                opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
                try:
                    with opener.open(urllib.request.Request(self.path, headers=headers), timeout=10) as answer:
                        self._send(answer.status, answer.read(), list(answer.headers.items()))
                except urllib.error.HTTPError as error:
                    self._send(error.code, error.read(), list(error.headers.items()))

            def _send(self, status: int, body: bytes, headers: list[tuple[str, str]]) -> None:
                self.send_response(status)
                for name, value in headers:
                    if name.lower() not in _HOP:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class names it
                """Log nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://{user}:{password}@127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        """Start serving."""
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
