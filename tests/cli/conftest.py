"""A command line that sees one index on loopback, and nothing of this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from pipx_parallel.__main__ import main
from tests.support.dists import wheel
from tests.support.index_server import LoopbackIndex
from tests.support.request_limit import MOST_REQUESTS, limited_requests


class Ran(NamedTuple):
    """How a command ended, and what it said where."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve three projects: app needs lib, and both have an older release; picky wants the old lib."""
    projects = {
        "app": [wheel("app", "1.0", ["lib"]), wheel("app", "2.0", ["lib"])],
        "lib": [wheel("lib", "1.0"), wheel("lib", "2.0")],
        "picky": [wheel("picky", "1.0", ["lib<2"])],
    }
    with LoopbackIndex(projects) as served:
        yield served


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index: LoopbackIndex) -> Path:
    """Stand in an empty folder, with an environment that knows the loopback index and an empty mirror."""
    for name in list(os.environ):
        if name.startswith(("PIP_", "PIPX_PARALLEL_", "XDG_")):
            monkeypatch.delenv(name)
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIPX_PARALLEL_INDEX_URL", index.url)
    monkeypatch.setenv("PIPX_PARALLEL_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setenv("PIPX_PARALLEL_RETRIES", "0")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def run(home: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command line in this process."""
    assert home.is_dir()

    def command(*arguments: str) -> Ran:
        capfd.readouterr()
        runs = 3 if arguments[:1] == ("benchmark",) else 1  # it starts the tool for each measurement
        with limited_requests(runs * MOST_REQUESTS):
            code = main(arguments)
        printed = capfd.readouterr()
        return Ran(code, printed.out, printed.err)

    return command


@pytest.fixture
def spawn(home: Path) -> Run:
    """Return a function that runs a command line in a process of its own."""
    assert home.is_dir()

    def command(*arguments: str, text: str = "", script: str = "") -> Ran:
        how = ["-c", script] if script else ["-m", "pipx_parallel"]
        with limited_requests():
            done = subprocess.run(
                [sys.executable, *how, *arguments],
                input=text, capture_output=True, text=True, check=False, timeout=60,
            )  # fmt: skip
        return Ran(done.returncode, done.stdout, done.stderr)

    return command
