"""A user's workspace: an empty folder, an empty mirror, one index on loopback, and the real command as a process."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.request_limit import MOST_REQUESTS, LimitedProcess, limited_requests

_PATIENCE = 180  # seconds: a command that hangs must fail its test, not stop the suite


class Ran(NamedTuple):
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str


class Workspace:
    """Where commands run. ``folder`` is the user's; the environment knows one index, one mirror and nothing of this machine."""

    def __init__(self, base: Path, url: str) -> None:
        """Make the folders below ``place``."""
        self.folder = base / "work"
        self.folder.mkdir(parents=True)
        self.mirror = base / "mirror"
        self.most_requests = MOST_REQUESTS  # for one URL in one run; more only where a test asks for more retries
        self.environment = {
            **{
                name: text
                for name, text in os.environ.items()
                if not name.startswith(("PIP_", "PIPX_PARALLEL_", "XDG_"))
            },
            "HOME": str(base / "home"),
            "XDG_CACHE_HOME": str(base / "cache"),
            "PIP_CONFIG_FILE": os.devnull,
            "PIPX_PARALLEL_INDEX_URL": url,
            "PIPX_PARALLEL_MIRROR": str(self.mirror),
        }

    def write(self, name: str, text: str) -> None:
        """Put a file into the user's folder."""
        (self.folder / name).write_text(text, encoding="utf-8")

    def read(self, name: str) -> bytes:
        """Return a file of the user's folder."""
        return (self.folder / name).read_bytes()

    def names(self) -> list[str]:
        """Return what lies in the user's folder, sorted."""
        return sorted(path.name for path in self.folder.iterdir())

    def command(self, *arguments: str) -> list[str]:
        """Return the words that start the tool."""
        return [sys.executable, "-m", "pipx_parallel", *arguments]

    def run(self, *arguments: str, environment: Mapping[str, str] | None = None, before: Sequence[str] = ()) -> Ran:
        """Run the tool and wait; ``before`` are words in front of it (``unshare -rn``)."""
        with limited_requests(self.most_requests):
            done = subprocess.run(
                [*before, *self.command(*arguments)],
                cwd=self.folder, env={**self.environment, **(environment or {})},
                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=_PATIENCE,
            )  # fmt: skip
        return Ran(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start the tool and go on."""
        return LimitedProcess(
            self.command(*arguments), self.most_requests, cwd=self.folder,
            env={**self.environment, **(environment or {})},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def lock(self, *requirements: str, flags: Sequence[str] = (), environment: Mapping[str, str] | None = None) -> Ran:
        """Lock a requirements file of these lines into ``pylock.toml``, from scratch."""
        (self.folder / "pylock.toml").unlink(missing_ok=True)
        self.write("r.txt", "\n".join(requirements) + "\n")
        return self.run("lock", "r.txt", "-o", "pylock.toml", *flags, environment=environment)

    def pins(self, name: str = "pylock.toml") -> dict[str, str]:
        """Return the versions of a lock in the user's folder, by project."""
        return {package["name"]: package["version"] for package in self.packages(name)}

    def packages(self, name: str = "pylock.toml") -> list[dict[str, Any]]:
        """Return the packages of a lock in the user's folder, as PEP 751 has them."""
        package_tables = tomllib.loads(self.read(name).decode())["packages"]
        assert isinstance(package_tables, list)
        return package_tables


def locked(workspace: Workspace, *requirements: str, flags: Sequence[str] = ()) -> dict[str, str]:
    """Lock, assert exit code 0 and an empty stdout, and return the pins."""
    ran = workspace.lock(*requirements, flags=flags)
    assert (ran.code, ran.out) == (0, ""), ran.err
    return workspace.pins()


def check_refused(workspace: Workspace, ran: Ran, code: int, *words: str) -> None:
    """Assert one clear message, the documented exit code, nothing on stdout, no traceback, and no lock, whole or partial."""
    assert ran.code == code, ran.err
    assert ran.out == ""
    assert "Traceback" not in ran.err
    lines = [line for line in ran.err.splitlines() if not line.startswith("building ")]  # builds are announced
    assert [line for line in lines if line.startswith("error: ")] == lines[:1], ran.err
    assert [word for word in words if word not in ran.err] == [], ran.err
    assert list(_outputs(workspace)) == []


def _outputs(workspace: Workspace) -> Iterator[str]:
    """Yield the outputs, and any temporary file of a writer."""
    for name in workspace.names():
        if not name.endswith((".txt", ".in", ".py")) or name.startswith((".", "locked")):
            yield name
