"""A real package index on loopback, for tests and for manual acceptance.

    with LoopbackIndex({"six": [wheel("six", "1.17.0")]}, HTML_ONLY) as index:
        run("pip", "install", "--index-url", index.url, "six")
        assert index.paths() == ["/simple/six/", "/files/six/six-1.17.0-py3-none-any.whl"]

Everything can be changed while it runs: assign ``index.flavour``, call ``index.publish`` or ``index.fail``. As a script
it serves the demonstration index: ``python tests/support/index_server.py --flavour html --port 0`` prints its URL.
"""

from __future__ import annotations

import base64
import contextlib
import fnmatch
import gzip
import hashlib
import ssl
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self
from urllib.parse import unquote

if __name__ == "__main__":  # run as a script: the repository's root is not on the path
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from tests.support.dists import Dist
from tests.support.index_http import Answer, Fault, Seen, SiteServer
from tests.support.index_pages import (
    FLAVOURS,
    HTML_TYPE,
    JSON_TYPE,
    MODERN,
    Flavour,
    Page,
    Project,
    normalised,
    project_html,
    project_json,
    project_list,
    sidecar_of,
)

LAST_MODIFIED = "Mon, 01 Jan 2024 00:00:00 GMT"


class LoopbackIndex:
    """Serves projects over HTTP until closed. ``url`` is the index URL; ``requests_seen`` holds every request."""

    serving: ClassVar[set[LoopbackIndex]] = set()  # every index of this process that is being served

    def __init__(
        self,
        projects: Mapping[str, Project] | None = None,
        flavour: Flavour = MODERN,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Bind the port; ``projects`` maps a name to its files in page order, or to a whole ``Page``."""
        self.flavour = flavour
        self.requests_seen: list[Seen] = []
        self.throttle = 0  # requests at once past which it answers 429; 0: none
        self._projects: dict[str, Project] = {}
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        for name, project in (projects or {}).items():
            self._projects[normalised(name)] = project
        self._server = SiteServer(port, self, tls)
        self.root = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_address[1]}"
        self.url = f"{self.root}/simple/"

    def __enter__(self) -> Self:
        """Start serving."""
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.serving.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop serving and drop every connection: from now on the index is unreachable."""
        self.serving.discard(self)
        self._server.shutdown()
        self._server.server_close()
        self._server.drop_connections()
        self._thread.join()

    @property
    def most_at_once(self) -> int:
        """Return how many requests were being answered at the same time, at most."""
        return self._server.most_at_once

    def publish(self, name: str, *dists: Dist) -> None:
        """Add files to a project, making it where it is new."""
        before = self._projects.get(normalised(name), ())
        self._projects[normalised(name)] = (*(() if isinstance(before, Page) else before), *dists)

    def publish_page(self, name: str, page: Project) -> None:
        """Replace a project by a page given as bytes, or by files."""
        self._projects[normalised(name)] = page

    def withdraw(self, name: str) -> None:
        """Remove a project."""
        del self._projects[normalised(name)]

    def fail(self, path: str, kind: str = "status", times: int = 1, **details: Any) -> None:  # Fault's fields
        """Make the next ``times`` requests for a path (a glob) fail; see ``Fault``."""
        with self._lock:
            self._faults.append(Fault(path, kind, times, **details))

    def paths(self, pattern: str = "*") -> list[str]:
        """Return the paths asked for so far that match a glob, in order."""
        return [seen.path for seen in self.requests_seen if fnmatch.fnmatchcase(seen.path, pattern)]

    def fault(self, path: str) -> Fault | None:
        """Return the failure that is due for this request, counting it."""
        with self._lock:
            for position, fault in enumerate(self._faults):
                if fault.times > 0 and fnmatch.fnmatchcase(path, fault.path):
                    self._faults[position] = fault._replace(times=fault.times - 1)
                    return fault
        return None

    def delay(self) -> float:
        """Return the flavour's latency."""
        return self.flavour.latency

    def record(self, seen: Seen) -> None:
        """Record a request."""
        self.requests_seen.append(seen)

    def answer(self, path: str, headers: Mapping[str, str]) -> Answer:
        """Route one request."""
        flavour = self.flavour
        if flavour.auth and not _authorised(headers.get("authorization", ""), flavour.auth):
            return Answer(401, b"who are you?", (("WWW-Authenticate", 'Basic realm="index"'),))
        if flavour.redirect and not path.startswith("/moved/"):
            return Answer(302, b"", (("Location", f"{flavour.redirect_root}/moved{path}"),))
        parts = [unquote(part) for part in path.removeprefix("/moved").split("/")[1:]]
        match parts:
            case ["simple"] | ["simple", _]:
                return self._simple(parts, path, headers)
            case ["simple", name, ""]:
                return self._project(name, path, headers)
            case ["files", name, filename]:
                return self._file(name, filename, headers)
        return Answer(404, b"no such path")

    def _simple(self, parts: Sequence[str], path: str, headers: Mapping[str, str]) -> Answer:
        if parts != ["simple", ""]:
            return Answer(301, b"", (("Location", path + "/"),))
        kind = _negotiated(headers.get("accept", "*/*"), self.flavour)
        if kind is None:
            return Answer(406, b"nothing acceptable")
        names = sorted(self._projects)
        return self._page(project_list(names, self.flavour, as_json=kind == JSON_TYPE), kind, headers)

    def _project(self, name: str, path: str, headers: Mapping[str, str]) -> Answer:
        project = self._projects.get(normalised(name))
        if project is None:
            return Answer(self.flavour.missing_status, b"no such project")
        if name != normalised(name):
            return Answer(301, b"", (("Location", path.replace(f"/{name}/", f"/{normalised(name)}/")),))
        if isinstance(project, Page):
            return self._page(project.body, project.content_type, headers)
        kind = _negotiated(headers.get("accept", "*/*"), self.flavour)
        if kind is None:
            return Answer(406, b"nothing acceptable")
        base = f"../../files/{name}/" if self.flavour.relative_urls else f"{self.root}/files/{name}/"
        render = project_json if kind == JSON_TYPE else project_html
        return self._page(render(name, project, self.flavour, base), kind, headers)

    def _page(self, body: bytes, kind: str, headers: Mapping[str, str]) -> Answer:
        """Add validators and freshness, and answer 304 where a condition holds."""
        flavour = self.flavour
        fields = [("Content-Type", flavour.content_type or kind), ("Vary", "Accept, Accept-Encoding")]
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        fields += [("ETag", etag)] if flavour.etag else []
        fields += [("Last-Modified", LAST_MODIFIED)] if flavour.last_modified else []
        fields += [("Cache-Control", flavour.cache_control)] if flavour.cache_control else []
        asked = headers.get("if-none-match")
        unchanged = asked == etag if asked else headers.get("if-modified-since") == LAST_MODIFIED
        if unchanged and (flavour.etag or flavour.last_modified):
            return Answer(304, b"", tuple(fields))
        return Answer(200, *self._encoded(body, fields, headers))

    def _file(self, name: str, filename: str, headers: Mapping[str, str]) -> Answer:
        project = self._projects.get(normalised(name), ())
        for dist in () if isinstance(project, Page) else project:
            if filename == dist.filename:
                return _ranged(dist.body, headers.get("range"), self.flavour.ranges)
            if filename == f"{dist.filename}.metadata" and sidecar_of(dist, self.flavour) != "none":
                fields = [("Content-Type", "application/octet-stream")]
                return Answer(200, *self._encoded(dist.metadata or b"", fields, headers))
        return Answer(404, b"no such file")

    def _encoded(
        self, body: bytes, fields: list[tuple[str, str]], headers: Mapping[str, str]
    ) -> tuple[bytes, tuple[tuple[str, str], ...]]:
        if self.flavour.gzip and "gzip" in headers.get("accept-encoding", ""):
            return gzip.compress(body, 1, mtime=0), (*fields, ("Content-Encoding", "gzip"))
        return body, tuple(fields)


def _negotiated(accept: str, flavour: Flavour) -> str | None:
    """Return the content type to answer with: JSON where it is named, else HTML."""
    if flavour.json and (JSON_TYPE in accept or not flavour.html):
        return JSON_TYPE if JSON_TYPE in accept or "*/*" in accept else None
    if flavour.html and any(kind in accept for kind in ("text/html", HTML_TYPE, "*/*", "text/*")):
        return HTML_TYPE if HTML_TYPE in accept and flavour.json else "text/html; charset=utf-8"
    return None


def _authorised(header: str, wanted: tuple[str, str]) -> bool:
    return header == "Basic " + base64.b64encode(":".join(wanted).encode()).decode()


def _ranged(body: bytes, asked: str | None, mode: str) -> Answer:
    """Answer a whole file or a part of it (RFC 9110, section 14)."""
    fields: tuple[tuple[str, str], ...] = (("Content-Type", "application/octet-stream"),)
    if mode != "ignore":
        fields += (("Accept-Ranges", "bytes"),)
    if asked is None or mode == "ignore" or not asked.startswith("bytes="):
        return Answer(200, body, fields)
    first, _, last = asked.removeprefix("bytes=").partition("-")
    start = int(first) if first else max(len(body) - int(last), 0)
    end = min(int(last), len(body) - 1) if first and last else len(body) - 1
    if mode == "refuse" or (mode == "no-suffix" and not first) or start > end:
        return Answer(416, b"", (*fields, ("Content-Range", f"bytes */{len(body)}")))
    return Answer(206, body[start : end + 1], (*fields, ("Content-Range", f"bytes {start}-{end}/{len(body)}")))


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the demonstration index until interrupted."""
    import argparse  # tests never need it

    from tests.support.demo_index import demo_projects  # likewise

    parser = argparse.ArgumentParser(description="Serve a tiny package index on loopback.")
    parser.add_argument("--flavour", choices=sorted(FLAVOURS), default="modern")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--gzip", action="store_true")
    parser.add_argument("--ranges", choices=("yes", "no-suffix", "ignore", "refuse"))
    parser.add_argument("--auth", metavar="USER:PASSWORD")
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS")
    options = parser.parse_args(arguments)
    flavour = FLAVOURS[options.flavour]._replace(gzip=options.gzip, latency=options.latency)
    flavour = flavour._replace(ranges=options.ranges) if options.ranges else flavour
    if options.auth:
        user, _, password = options.auth.partition(":")
        flavour = flavour._replace(auth=(user, password))
    with LoopbackIndex(demo_projects(), flavour, options.port) as index, contextlib.suppress(KeyboardInterrupt):
        sys.stdout.write(index.url + "\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
