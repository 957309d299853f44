"""``mirror serve`` in a process of its own, as its clients see it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from tests.support.index_server import LoopbackIndex
from tests.support.request_limit import Watch, limited_requests


class Served:
    """A server in a process of its own, over an index on loopback that has no sidecars to advertise."""

    def __init__(
        self, folder: Path, index: LoopbackIndex, *arguments: str, token: str = "", warm: Sequence[str] = ("app",)
    ) -> None:
        """Start, and wait for the address that it prints."""
        self.folder, self.index = folder, index
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PIPX_PARALLEL_"))},
            "PIP_CONFIG_FILE": os.devnull, "HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache"),
            "PIPX_PARALLEL_INDEX_URL": index.url, "PIPX_PARALLEL_RETRIES": "0", "PIPX_PARALLEL_TOKEN": token,
        }  # fmt: skip
        if warm:
            self.run("mirror", "warm", "--packages", *warm)
        command = [
            sys.executable,
            "-m",
            "pipx_parallel",
            "mirror",
            "serve",
            "--port",
            "0",
            "--mirror",
            str(folder / "m"),
        ]
        self._watch = Watch()
        self.process = subprocess.Popen(
            [*command, *arguments], stderr=subprocess.PIPE, text=True, env=self.environment, cwd=folder
        )
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        address = re.search(r"http://[^/]+", line)
        assert address, line
        self.url = address[0]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command line against the mirror of this server."""
        command = [sys.executable, "-m", "pipx_parallel", *arguments]
        if "--mirror" not in arguments:
            command += ["--mirror", str(self.folder / "m")]
        with limited_requests():
            return subprocess.run(
                command, capture_output=True, text=True, check=False, env=self.environment, cwd=self.folder, timeout=180
            )

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body; redirects are not followed."""
        return self.ask(
            urllib.request.Request(self.url + path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        )

    def answering(self) -> set[str]:
        """Return the labels of the workers that answer for the metrics, of several connections; "" if there is one only."""
        texts = [self.get("/metrics")[2].decode() for _ in range(20)]
        return {label for text in texts for label in re.findall(r'(?m)^mirror_waiting(?:\{worker="(\d)"\})? \d', text)}

    def ask(self, request: urllib.request.Request) -> tuple[int, dict[str, str], bytes]:
        """Send one request."""

        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_: object) -> None:
                """Follow nothing."""

        try:
            with urllib.request.build_opener(Stay).open(request, timeout=120) as answer:
                return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read()

    def lock(self, body: bytes, query: str = "", **headers: str) -> tuple[int, str]:
        """Ask for a lock."""
        request = urllib.request.Request(f"{self.url}/lock{query}", data=body, headers=headers, method="POST")
        status, _, text = self.ask(request)
        return status, text.decode()

    def stop(self) -> str:
        """End it, and return what it logged. Each request that it answered may have made it ask its index once more."""
        self.process.terminate()
        _, logged = self.process.communicate(timeout=20)
        self._watch.end(more=len(re.findall(r"(?m)^(?:GET|HEAD|POST) ", logged)))
        return str(logged)
