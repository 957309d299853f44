"""A published folder on loopback: whole files, as a web server without ranged reads sends them."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple


class FolderServer(NamedTuple):
    """A folder that is served."""

    path: Path
    url: str
    asked: list[str]  # the path of each request


@contextmanager
def served_folder(path: Path) -> Iterator[FolderServer]:
    """Serve a folder, which is made if it does not exist."""
    path.mkdir(exist_ok=True)
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            """Note the path."""
            asked.append(self.path)
            super().do_GET()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the library
            """Print nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(path))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield FolderServer(path, f"http://127.0.0.1:{server.server_address[1]}", asked)
        server.shutdown()
        thread.join()
