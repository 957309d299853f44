"""A server that speaks S3's protocol on a free loopback port (moto), with one bucket, and its log of requests."""

from __future__ import annotations

import contextlib
import http.client
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

_PATIENCE = 60.0  # seconds to start: it loads many modules


class S3Server:
    """Serves until closed. ``environment`` is what its clients need; ``url`` is a folder in its bucket."""

    url = "s3://bucket/mirrors/one"

    def __init__(self, folder: Path) -> None:
        """Choose a port; the log lies in ``folder``."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._log = folder / "s3.log"
        self._read = 0
        self._process: subprocess.Popen[bytes] | None = None
        self.environment = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "user",
            "AWS_SECRET_ACCESS_KEY": "s3krit-key",
            "AWS_REGION": "eu-central-1",
        }

    def __enter__(self) -> Self:
        """Start, wait until it answers, and make the bucket."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "moto.server", "-p", str(self.port)], stdout=log, stderr=log
            )
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
                connection.request("PUT", "/bucket", body=b"")
                if connection.getresponse().status == 200:
                    self.requests()
                    return self
            time.sleep(0.1)
        raise RuntimeError("the S3 server did not start")

    def __exit__(self, *_: object) -> None:
        """Stop."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def requests(self) -> list[str]:
        """Return the method and path of each request since the last call."""
        text = self._log.read_text(encoding="utf-8", errors="replace")
        lines, self._read = text[self._read :].splitlines(), len(text)
        rows = [line.partition(" HTTP/1.1")[0] for line in lines if " HTTP/1.1" in line]
        return [
            row[max(row.rfind(f"{method} /") for method in ("GET", "PUT", "HEAD", "POST", "DELETE")) :] for row in rows
        ]
